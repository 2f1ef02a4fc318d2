// What the page knows of the measures of cells: names, units, and which ones stand where.

import { ask } from "./api.js";
import { area, distance, number } from "./format.js";
import { hasWord, word } from "./i18n.js";

// How a measure that is not a plain number is written.
const FORMATS = { area_m2: area, perimeter_m: distance };

// The measure whose sum is the area that all cells cover.
export const COVERED_AREA = "area_m2";

// The measures shown at the pointer while cells are not coloured by one, with the keys of their words.
export const AT_POINTER = { households: "measure.households", enterprises: "measure.enterprises", area_m2: "ground" };

// How values are put into classes.
export const METHODS = ["quantiles", "natural_breaks", "equal_interval"];

export const isMeasure = (key) => hasWord(`measure.${key}`);
export const measureName = (key) => word("measure", key);
export const formatMeasure = (key, value) => (FORMATS[key] ?? number)(value);

// The measures that a scheme has on a day, and the number of its cells: { cells, items }.
export function measuresOf(scheme, at) {
  return ask(`v1/schemes/${encodeURIComponent(scheme)}/measures`, { query: { at } });
}
