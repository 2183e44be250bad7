// Numbers as the page says them.

/** A share in percent; halves go to the even number, as the rest of the page has them. */
export function percent(share) {
  if (!Number.isFinite(share)) return "–";
  const value = 100 * share;
  const near = Math.round(value);
  return `${near - value === 0.5 && near % 2 ? near - 1 : near}%`;
}

/** A number with three digits that count. */
export function short(value) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "–";
}

/** Stored whole numbers as what they count; null stays. */
export function scaled(values, steps) {
  return values.map((one) => (one === null ? null : one / steps));
}
