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
  for (const root of document.querySelectorAll("[data-chart]")) {
    root.closest(".chart").classList.add("works"); // first: what is hidden has no width
    new KINDS[root.dataset.chart](root, data);
  }
}
