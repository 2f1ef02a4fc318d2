// The measures of cells as the service describes them: names, how values are written, and where they are shown.

import { ask } from "./api.js";
import { area, distance, number, percent } from "./format.js";
import { change, current } from "./state.js";

// How the quantities are written that have a way of their own.
const WRITTEN = { area, length: distance, share: percent };

// How values are put into classes.
export const METHODS = ["quantiles", "natural_breaks", "equal_interval"];

// The description of a measure: { key, labels, quantity, unit, aggregation, prominence }; undefined if there is none.
export const measureOf = (key) => current().measures.find((each) => each.key === key);

export const measureName = (key) => measureOf(key)?.labels[current().language] ?? key;

export function formatMeasure(key, value) {
  const { quantity, unit } = measureOf(key) ?? {};
  if (quantity in WRITTEN) return WRITTEN[quantity](value);
  return unit ? `${number(value)} ${unit}` : number(value);
}

// Take over what the service has; what it does not have is not what cells are coloured by.
export function adoptMeasures(measures) {
  const known = measures.some((each) => each.key === current().fill);
  change({ measures, fill: known ? current().fill : "neighbours" });
}

// The measures shown without being asked for, those of entities before those of the ground.
export function headlines() {
  const found = current().measures.filter((each) => each.prominence === "headline");
  return [...found.filter((each) => each.quantity !== "area"), ...found.filter((each) => each.quantity === "area")];
}

// What is shown of one cell only, with the values of all its measures by their keys: name and value of each.
export function details(values) {
  const found = current().measures.filter(({ key, prominence }) => prominence === "detail" && typeof values[key] === "number");
  return found.map(({ key }) => [measureName(key), formatMeasure(key, values[key])]);
}

// The measures that a scheme has on a day, the number of its cells and their area: { cells, area_m2, items }.
export function measuresOf(scheme, at) {
  return ask(`v1/schemes/${encodeURIComponent(scheme)}/measures`, { query: { at } });
}
