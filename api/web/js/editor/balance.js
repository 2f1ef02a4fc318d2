// How evenly the cells of a draft share out a load: computed here, so that it follows each edit at once.

import { computed, signal } from "../../vendor/signals/signals-core.mjs";
import { COUNTED_KINDS } from "../core/entity_kinds.js";
import { cells } from "./draft.js";

export const load = signal("household"); // a kind of entities, or "area_m2"
export const tolerance = signal(0.1); // how far a cell may be off the mean, as a share of it

// What the cells can share out: the kinds of entities that they have, and ground.
export const loads = computed(() => {
  const kinds = new Set();
  for (const { counts } of cells.value.values()) for (const kind of Object.keys(counts)) kinds.add(kind);
  const known = COUNTED_KINDS.filter((kind) => kinds.has(kind));
  return [...known, ...[...kinds].filter((kind) => !known.includes(kind)).sort(), "area_m2"];
});

const chosenLoad = computed(() => (loads.value.includes(load.value) ? load.value : loads.value[0]));

export const valueOf = (cell, key) => (key === "area_m2" ? cell.area_m2 : (cell.counts[key] ?? 0));

// The figures of the load: { key, ideal, total, out, compactness, rows } with a row for each cell, the worst first.
export const balance = computed(() => {
  const key = chosenLoad.value;
  const all = [...cells.value.values()];
  const total = all.reduce((sum, cell) => sum + valueOf(cell, key), 0);
  const ideal = all.length === 0 ? 0 : total / all.length;
  const rows = all.map((cell) => {
    const value = valueOf(cell, key);
    return { cell, value, deviation: ideal === 0 ? 0 : value / ideal - 1 };
  });
  rows.sort((a, b) => Math.abs(b.deviation) - Math.abs(a.deviation) || (a.cell.code < b.cell.code ? -1 : 1));
  const out = rows.filter((row) => Math.abs(row.deviation) > tolerance.value).length;
  const round = all.reduce((sum, cell) => sum + (4 * Math.PI * cell.area_m2) / cell.perimeter_m ** 2, 0);
  return { key, ideal, total, out, compactness: all.length === 0 ? null : round / all.length, rows };
});

// The class of a deviation: -2 and 2 are out of tolerance.
export function classOf(deviation) {
  if (Math.abs(deviation) > tolerance.value) return Math.sign(deviation) * 2;
  if (Math.abs(deviation) > tolerance.value / 2) return Math.sign(deviation);
  return 0;
}
