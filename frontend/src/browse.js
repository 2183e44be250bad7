// The page's danger matrix and its table of every case, from the page's JSON.
import { Matrix } from "./matrix.js";
import { Rows } from "./rows.js";
import { Table } from "./table.js";

const data = JSON.parse(document.getElementById("browse-data").textContent);
const root = document.getElementById("browse");
const table = new Table(root, new Rows(data));
new Matrix(document.getElementById("danger"), data.matrix, ({ surrogate, victim, true_class, target, eps }, told) => {
  table.choose({ surrogate, victim, true_class, target, eps }, told);
  root.scrollIntoView();
  root.querySelector('[data-part="box"]').focus({ preventScroll: true });
});
