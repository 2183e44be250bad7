// Kappa as it is now, out of what the estimators tell.
import { made } from "./dom.js";

/** Elements that show it. */
export function kappa(told) {
  return [shown(told)];
}

function words(key) {
  return String(key).replaceAll("_", " ");
}

function shown(value) {
  if (Array.isArray(value) && value.length && value.every((one) => one && typeof one === "object" && !Array.isArray(one))) {
    const names = [...new Set(value.flatMap((one) => Object.keys(one)))];
    const head = made("tr", {}, ...names.map((name) => made("th", { scope: "col" }, words(name))));
    const rows = value.map((one) => made("tr", {}, ...names.map((name) => made("td", {}, shown(one[name])))));
    return made("div", { class: "wide" }, made("table", {}, made("thead", {}, head), made("tbody", {}, ...rows)));
  }
  if (Array.isArray(value)) return value.map((one) => plain(one)).join(", ");
  if (value && typeof value === "object") {
    const rows = Object.entries(value).map(([key, one]) => made("tr", {}, made("th", { scope: "row" }, words(key)), made("td", {}, shown(one))));
    return made("table", {}, made("tbody", {}, ...rows));
  }
  return plain(value);
}

function plain(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return String(Number(value.toPrecision(4)));
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}
