// The report's charts, from the page's JSON. A section whose chart cannot be drawn keeps its pictures.
import { able } from "./chart.js";
import { LineChart } from "./line-chart.js";
import { Success } from "./success.js";
import { Transfer } from "./transfer.js";

/** By the kind of a `Section` of feint/report/charts/chart.py. */
const KINDS = { lines: LineChart, success: Success, transfer: Transfer };
const { sections, rates } = JSON.parse(document.getElementById("charts-data").textContent);

if (able()) {
  const roots = [...document.querySelectorAll("[data-chart]")];
  for (const root of roots) root.closest(".chart").classList.add("works"); // what is hidden has no width
  for (const root of roots) {
    const section = sections.find((one) => one.id === root.dataset.chart);
    new KINDS[section.kind](root, section, rates);
  }
}
