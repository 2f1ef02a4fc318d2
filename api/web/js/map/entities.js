// Entities and gaps on the map: points by kind with counts where they are many, gaps hatched by severity.

import { tilesAddress } from "../core/api.js";
import { FONTS } from "./map.js";
import { hatch, KINDS, SEVERITIES } from "./palette.js";

export const OBJECT_LAYERS = Object.keys(KINDS).map((kind) => `entity-${kind}`);
export const GAP_LAYERS = ["gaps-fill", "gaps-line", "gaps-point"];

const COUNT = ["coalesce", ["get", "count"], 1];
// One is small, many are larger: the size grows with the logarithm, up to what still leaves the map readable.
const radius = (one) => ["case", [">", COUNT, 1], ["min", 11, ["+", 3, ["*", 1.2, ["ln", COUNT]]]], one];
const severity = (values) => ["match", ["get", "severity"], "high", values.high, "medium", values.medium, values.low];
const AREAL = ["match", ["geometry-type"], ["Polygon", "MultiPolygon"], true, false];

// Names of areas stay readable above points.
export function addObjects(map, scheme) {
  const names = map.getLayer("area-names") ? "area-names" : undefined;
  for (const [kind, colour] of Object.entries(KINDS)) {
    const source = `entities-${kind}`;
    map.addSource(source, { type: "vector", tiles: [tilesAddress("entities", { kind, scheme })], minzoom: 0, maxzoom: 16 });
    const visibility = "none";
    const common = { source, "source-layer": "entities" };
    map.addLayer({
      id: `entity-${kind}`,
      type: "circle",
      ...common,
      layout: { visibility, "circle-sort-key": COUNT },
      paint: {
        "circle-color": colour,
        "circle-opacity": 0.92,
        "circle-stroke-color": "#fff",
        "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 11, 0.8, 15, 1.5],
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, radius(3.5), 15, radius(5), 18, radius(7)],
      },
    }, names);
    map.addLayer({
      id: `entity-${kind}-count`,
      type: "symbol",
      ...common,
      filter: [">", COUNT, 49],
      layout: { visibility, "text-field": ["to-string", COUNT], "text-font": FONTS.slice(0, 4), "text-size": 9 },
      paint: { "text-color": "#fff" },
    }, names);
  }
}

export function removeObjects(map) {
  for (const kind of Object.keys(KINDS)) {
    for (const id of [`entity-${kind}-count`, `entity-${kind}`]) if (map.getLayer(id)) map.removeLayer(id);
    if (map.getSource(`entities-${kind}`)) map.removeSource(`entities-${kind}`);
  }
}

export function showObjects(map, hidden) {
  for (const kind of Object.keys(KINDS)) {
    for (const id of [`entity-${kind}`, `entity-${kind}-count`]) {
      if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", hidden.has(kind) ? "none" : "visible");
    }
  }
}

// Draw the gaps of a run of a scheme; without a run there are none.
export function drawGaps(map, scheme, run, shown) {
  for (const id of [...GAP_LAYERS, "gaps-chosen"]) if (map.getLayer(id)) map.removeLayer(id);
  if (map.getSource("gaps")) map.removeSource("gaps");
  if (run === null) return;
  for (const [name, colour] of Object.entries(SEVERITIES)) {
    if (!map.hasImage(`hatch-${name}`)) map.addImage(`hatch-${name}`, hatch(colour), { pixelRatio: 2 });
  }
  map.addSource("gaps", { type: "vector", tiles: [tilesAddress("gaps", { scheme, run })], minzoom: 0, maxzoom: 16 });
  const before = map.getStyle().layers.find((layer) => layer.id === "cells-hover" || layer.type === "symbol" || layer.id.startsWith("entity-"))?.id;
  const common = { source: "gaps", "source-layer": "gaps", layout: { visibility: shown ? "visible" : "none" } };
  map.addLayer({ ...common, id: "gaps-fill", type: "fill", filter: AREAL, paint: { "fill-antialias": false, "fill-pattern": severity({ high: "hatch-high", medium: "hatch-medium", low: "hatch-low" }) } }, before);
  map.addLayer({ ...common, id: "gaps-line", type: "line", filter: AREAL, paint: { "line-color": severity(SEVERITIES), "line-width": 1.5 } }, before);
  map.addLayer({ ...common, id: "gaps-chosen", type: "line", filter: ["==", ["id"], -1], paint: { "line-color": "#17242f", "line-width": 3 } }, before);
  map.addLayer(
    {
      ...common,
      id: "gaps-point",
      type: "circle",
      filter: ["!", AREAL],
      paint: { "circle-color": "#fff", "circle-radius": 5, "circle-stroke-color": severity(SEVERITIES), "circle-stroke-width": 3 },
    },
    before,
  );
}

export function showGaps(map, shown) {
  for (const id of GAP_LAYERS) if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", shown ? "visible" : "none");
}

export function chooseGap(map, id) {
  if (map.getLayer("gaps-chosen")) map.setFilter("gaps-chosen", ["==", ["id"], id ?? -1]);
}
