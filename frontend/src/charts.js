// The page's charts, from the page's JSON; a section whose chart cannot be drawn keeps its pictures.
import { able } from "./chart.js";
import { Distances } from "./distances.js";
import { Moved } from "./moved.js";
import { Needed } from "./needed.js";
import { Rough } from "./rough.js";
import { Success } from "./success.js";
import { Transfer } from "./transfer.js";

const KINDS = { success: Success, transfer: Transfer, needed: Needed, distances: Distances, moved: Moved, rough: Rough };
const data = JSON.parse(document.getElementById("charts-data").textContent);

if (able()) {
  const roots = [...document.querySelectorAll("[data-chart]")];
  for (const root of roots) root.closest(".chart").classList.add("works"); // what is hidden has no width
  for (const root of roots) new KINDS[root.dataset.chart](root, data);
}
