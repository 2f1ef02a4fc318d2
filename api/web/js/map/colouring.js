// How the cells are coloured: neighbours apart, or by a measure in classes that the service computes.

import { ask } from "../core/api.js";
import { measureOf } from "../core/measures.js";
import { NEIGHBOURS, NO_DATA, ramp } from "./palette.js";

// The last classes computed, by the request that they answer.
let cached = { key: null, classes: null };

// The classes of the chosen measure: { key, breaks (upper, inclusive), counts, min, max, colours }; null for neighbours.
export async function classification(state) {
  if (state.fill === "neighbours") return null;
  const query = { at: state.at, classes: state.classes, method: state.method };
  const path = `v1/schemes/${encodeURIComponent(state.scheme)}/measures/${encodeURIComponent(state.fill)}`;
  const key = JSON.stringify([path, query]);
  if (cached.key !== key) cached = { key, classes: withColours(await ask(path, { query }), state.fill) };
  return cached.classes;
}

function withColours(answer, key) {
  const breaks = answer.breaks ?? [];
  return { ...answer, key, breaks, colours: ramp(Math.max(1, breaks.length)) };
}

const APART = ["match", ["get", "colour"], ...NEIGHBOURS.flatMap((colour, number) => [number, colour]), NEIGHBOURS[0]];

// The colour of a cell as MapLibre computes it from the attributes in its tile.
export const cellColour = (classes) => (classes === null ? APART : stepped(classes, ["get", classes.key]));

// Cells drawn together by area show the mean of their cells, which fits the same classes; tiles hold it, or the sum.
export function groupColour(classes) {
  if (classes === null) return APART;
  const value = ["get", classes.key];
  return stepped(classes, measureOf(classes.key)?.aggregation === "mean" ? value : ["/", value, ["max", 1, ["get", "cells"]]]);
}

function stepped(classes, value) {
  if (classes.breaks.length === 0) return NO_DATA;
  const uppers = classes.breaks.slice(0, -1);
  const cases = uppers.flatMap((upper, at) => [["<=", value, upper], classes.colours[at]]);
  const last = classes.colours[classes.breaks.length - 1];
  const known = cases.length ? ["case", ...cases, last] : last;
  const key = value[0] === "get" ? value : value[1];
  return ["case", ["==", ["typeof", key], "number"], known, NO_DATA];
}
