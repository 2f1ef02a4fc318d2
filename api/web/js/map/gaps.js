// Gaps on a map: areas hatched by kind in the colours of severities, points, and the one that is chosen.

import { tilesAddress } from "../core/api.js";
import { h } from "../core/dom.js";
import { gapKindName, severityName, SEVERITIES } from "../core/gap_kinds.js";
import { current } from "../core/state.js";
import { hatch, INK } from "./palette.js";

const LAYERS = ["gaps-fill", "gaps-line", "gaps-point"];
const AREAL = ["match", ["geometry-type"], ["Polygon", "MultiPolygon"], true, false];

// An expression with a value for each severity; the least is the default.
function bySeverity(value) {
  const worse = SEVERITIES.slice(0, -1);
  return ["match", ["get", "severity"], ...worse.flatMap((each) => [each, value(each)]), value(SEVERITIES.at(-1))];
}

const colour = () => bySeverity((severity) => current().severityColours[severity]);

// A kind that the service no longer knows is hatched plainly.
const PLAIN = [45];
const hatchName = (directions, severity) => `hatch-${directions.join("-")}-${severity}`;

// An expression with the name of the pattern of each kind and severity.
function pattern() {
  const ofSeverity = (directions) => bySeverity((severity) => hatchName(directions, severity));
  const ofKinds = current().gapKinds.flatMap(({ name, symbol }) => [name, ofSeverity(symbol.hatch)]);
  return ofKinds.length === 0 ? ofSeverity(PLAIN) : ["match", ["get", "kind"], ...ofKinds, ofSeverity(PLAIN)];
}

function addPatterns(map) {
  for (const directions of [PLAIN, ...current().gapKinds.map(({ symbol }) => symbol.hatch)]) {
    for (const [severity, tint] of Object.entries(current().severityColours)) {
      const name = hatchName(directions, severity);
      if (!map.hasImage(name)) map.addImage(name, hatch(tint, directions), { pixelRatio: 2 });
    }
  }
}

// Draw the gaps of a run of a scheme in place of those that are there; without a run there are none.
export function drawGaps(map, scheme, run, shown) {
  for (const id of [...LAYERS, "gaps-chosen"]) if (map.getLayer(id)) map.removeLayer(id);
  if (map.getSource("gaps")) map.removeSource("gaps");
  if (run === null) return;
  addPatterns(map);
  map.addSource("gaps", { type: "vector", tiles: [tilesAddress("gaps", { scheme, run })], minzoom: 0, maxzoom: 16 });
  const above = map.getStyle().layers.find((layer) => layer.id === "cells-hover" || layer.type === "symbol" || layer.id.startsWith("entity-"))?.id;
  const common = { source: "gaps", "source-layer": "gaps", layout: { visibility: shown ? "visible" : "none" } };
  map.addLayer({ ...common, id: "gaps-fill", type: "fill", filter: AREAL, paint: { "fill-antialias": false, "fill-pattern": pattern() } }, above);
  map.addLayer({ ...common, id: "gaps-line", type: "line", filter: AREAL, paint: { "line-color": colour(), "line-width": 1.5 } }, above);
  map.addLayer({ ...common, id: "gaps-chosen", type: "line", filter: ["==", ["id"], -1], paint: { "line-color": INK, "line-width": 3 } }, above);
  map.addLayer(
    {
      ...common,
      id: "gaps-point",
      type: "circle",
      filter: ["!", AREAL],
      paint: { "circle-color": "#fff", "circle-radius": 5, "circle-stroke-color": colour(), "circle-stroke-width": 3 },
    },
    above,
  );
}

export function showGaps(map, shown) {
  for (const id of LAYERS) if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", shown ? "visible" : "none");
}

export function highlightGap(map, id) {
  if (map.getLayer("gaps-chosen")) map.setFilter("gaps-chosen", ["==", ["id"], id ?? -1]);
}

// What the pointer finds of gaps.
export const gapTarget = {
  layers: ["gaps-point"],
  wide: true,
  card: ({ properties }) => [h("b", {}, gapKindName(properties.kind)), h("small", {}, severityName(properties.severity))],
  pick: ({ id }) => ({ kind: "gap", id }),
};
