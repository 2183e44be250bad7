// The report's success matrix and its table of every case, from the page's JSON.
import { SuccessMatrix } from "./matrix.js";
import { TableData } from "./table-data.js";
import { CaseTable } from "./table.js";

const data = JSON.parse(document.getElementById("browse-data").textContent);
const root = document.getElementById("browse");
const table = new CaseTable(root, new TableData(data));
new SuccessMatrix(document.getElementById("matrix"), data.matrix, ({ surrogate, victim, true_class, target, eps }, reason) => {
  table.choose({ surrogate, victim, true_class, target, eps }, reason);
  root.scrollIntoView();
  root.querySelector('[data-part="box"]').focus({ preventScroll: true });
});
