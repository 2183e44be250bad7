// Numbers as text; the same words as feint/io/text.py writes.

export const MISSING = "–";

/** A share in percent; halves go to the even number, as Python rounds them. */
export function percent(share) {
  if (!Number.isFinite(share)) return MISSING;
  const value = 100 * share;
  const near = Math.round(value);
  return `${near - value === 0.5 && near % 2 ? near - 1 : near}%`;
}

/** Two shares as `40%-60%`. */
export function percentInterval(low, high) {
  return Number.isFinite(low) && Number.isFinite(high) ? `${percent(low)}-${percent(high)}` : MISSING;
}

/** A number with three digits. */
export function short(value) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : MISSING;
}

/** A number under 10 with one decimal, others with none. */
export function rounded(value) {
  if (!Number.isFinite(value)) return MISSING;
  return value.toFixed(value !== 0 && Math.abs(value) < 10 ? 1 : 0);
}

/** A text with its {names} replaced by values, as Python's str.format does. */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** By the formats that `Axis` of feint/report/charts/chart.py names. */
export const FORMATS = { number: short, percent, count: String };
