// Entities on a map: points coloured by kind, with a count where one point stands for many.

import { tilesAddress } from "../core/api.js";
import { h } from "../core/dom.js";
import { ENTITY_COLOURS, ENTITY_KINDS, entityKindName } from "../core/entity_kinds.js";
import { number } from "../core/format.js";
import { FONTS } from "./map.js";

const COUNT = ["coalesce", ["get", "count"], 1];
// A point for many grows with the logarithm of their number, up to a size that leaves the map readable.
const radius = (one) => ["case", [">", COUNT, 1], ["min", 15, ["+", 6, ["*", 1.3, ["ln", COUNT]]]], one];

// Where one point stands for many, below this zoom, those of several kinds stand beside each other.
const SPREAD_BELOW = 15;
const SPREAD = 17;

// Add the entities of a scheme, beneath the names of areas.
export function addEntities(map, scheme) {
  const names = map.getLayer("area-names") ? "area-names" : undefined;
  for (const [kind, colour] of Object.entries(ENTITY_COLOURS)) {
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
      filter: [">", COUNT, 1],
      layout: {
        visibility,
        "text-field": ["case", [">=", COUNT, 1000], ["concat", ["to-string", ["/", ["round", ["/", COUNT, 100]], 10]], "k"], ["to-string", COUNT]],
        "text-font": FONTS.slice(0, 4),
        "text-size": 9.5,
        // No circle without its number, though a name be beside it.
        "text-allow-overlap": true,
      },
      paint: { "text-color": "#fff" },
    }, names);
  }
}

// Put the points of a kind beside those of the others that are shown, on a circle around the place.
function spread(map, kind, shown) {
  const angle = (2 * Math.PI * shown.indexOf(kind)) / Math.max(1, shown.length) - Math.PI / 2;
  const aside = shown.length < 2 || !shown.includes(kind) ? [0, 0] : [SPREAD * Math.cos(angle), SPREAD * Math.sin(angle)].map(Math.round);
  const translate = ["step", ["zoom"], ["literal", aside], SPREAD_BELOW, ["literal", [0, 0]]];
  map.setPaintProperty(`entity-${kind}`, "circle-translate", translate);
  map.setPaintProperty(`entity-${kind}-count`, "text-translate", translate);
}

export function removeEntities(map) {
  for (const kind of ENTITY_KINDS) {
    for (const id of [`entity-${kind}-count`, `entity-${kind}`]) if (map.getLayer(id)) map.removeLayer(id);
    if (map.getSource(`entities-${kind}`)) map.removeSource(`entities-${kind}`);
  }
}

export function showEntities(map, hidden) {
  const shown = ENTITY_KINDS.filter((kind) => !hidden.has(kind));
  for (const kind of ENTITY_KINDS) {
    if (map.getLayer(`entity-${kind}`)) spread(map, kind, shown);
    for (const id of [`entity-${kind}`, `entity-${kind}-count`]) {
      if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", hidden.has(kind) ? "none" : "visible");
    }
  }
}

// What the pointer finds of entities. A point that stands for many is taken apart by zooming in.
export const entityTarget = {
  layers: ENTITY_KINDS.map((kind) => `entity-${kind}`),
  wide: true,
  card({ properties }) {
    const lines = [h("b", {}, entityKindName(properties.kind))];
    if ((properties.count ?? 1) > 1) lines.push(h("small", {}, number(properties.count)));
    else if (properties.class_name) lines.push(h("small", {}, properties.class_name));
    return lines;
  },
  pick({ id, properties }, map, place) {
    if ((properties.count ?? 1) === 1) return { kind: "entity", id: properties.id ?? id };
    map.easeTo({ center: place, zoom: Math.min(map.getZoom() + 2, 17) });
    return null;
  },
};
