// The cells on a map: their tiles, fill, borders and codes.

import { ask, tilesAddress } from "../core/api.js";
import { h } from "../core/dom.js";
import { number } from "../core/format.js";
import { t } from "../core/i18n.js";
import { formatMeasure, headlines, measureName } from "../core/measures.js";
import { current } from "../core/state.js";
import { cellColour, groupColour } from "./colouring.js";
import { FONTS } from "./map.js";
import { INK } from "./palette.js";

const IDS = ["groups-fill", "groups-line", "cells-fill", "units-line", "cells-line", "cells-code", "cells-name"];

const LABELS = {
  "text-font": FONTS.slice(0, 4),
  "text-padding": 4,
  "text-max-width": 7,
};
const HALO = { "text-color": INK, "text-halo-color": "rgba(255, 255, 255, .9)", "text-halo-width": 1.4 };

const CODES = {
  id: "cells-code",
  type: "symbol",
  source: "cells",
  "source-layer": "cell_labels",
  minzoom: 15,
  maxzoom: 16.75,
  layout: { ...LABELS, "text-field": ["slice", ["get", "code"], ["-", ["length", ["get", "code"]], 3]], "text-size": 11 },
  paint: HALO,
};

const NAMES = {
  id: "cells-name",
  type: "symbol",
  source: "cells",
  "source-layer": "cell_labels",
  minzoom: 16.75,
  layout: {
    ...LABELS,
    "text-field": ["format", ["get", "name"], { "font-scale": 1 }, "\n", {}, ["slice", ["get", "code"], ["max", 0, ["-", ["length", ["get", "code"]], 9]]], { "font-scale": 0.84 }],
    "text-size": 12.5,
    "text-line-height": 1.35,
  },
  paint: HALO,
};

// The layers beneath which cells go: fills beneath water, buildings and roads, which keep their own colours; borders
// beneath those of areas and all names.
function insertionPoints(layers) {
  const first = (test) => layers.find(test)?.id;
  const lines = first((layer) => layer.id.startsWith("gaps-") || layer.type === "symbol" || (layer.source === "areas" && layer.type === "line"));
  const fills = first((layer) => ["water", "buildings", "railway", "roads"].includes(layer["source-layer"]));
  return { fills: fills ?? lines, lines };
}

function fill(id, sourceLayer, colour) {
  return {
    id,
    type: "fill",
    source: "cells",
    "source-layer": sourceLayer,
    paint: {
      "fill-color": colour,
      "fill-opacity": ["interpolate", ["linear"], ["zoom"], 12, 0.72, 17, 0.5],
      "fill-antialias": false,
    },
  };
}

function line(id, sourceLayer, paint, source = "cells") {
  return { id, type: "line", source, "source-layer": sourceLayer, paint };
}

export const schemeOf = (scheme) => current().schemes.find((each) => each.code === scheme);

// The scheme whose cells are the units of a scheme, null where there is none.
export const unitsOf = (scheme) => schemeOf(scheme)?.unit_scheme ?? null;

// The TileJSON of the cells of a scheme on a day.
export async function describeCells(scheme, at) {
  return ask("tiles/cells.json", { query: { scheme, at } });
}

function cellSource(described, { scheme, at }) {
  return {
    type: "vector",
    tiles: [tilesAddress("cells", { scheme, at })],
    minzoom: described.minzoom ?? 0,
    maxzoom: described.maxzoom ?? 16,
    bounds: described.bounds,
  };
}

// The cells, and beneath them the units of which they are made.
function cellSources(described, choice) {
  const units = unitsOf(choice.scheme);
  const cells = { cells: cellSource(described, choice) };
  return units === null ? cells : { ...cells, units: cellSource(described, { ...choice, scheme: units }) };
}

// The layers of cells from the lowest to the highest, each with the layer of the style beneath which it goes.
// Borders above those of units, or of a colour of their own, stand out.
function cellLayers(others, classes, { scheme }) {
  const { fills, lines } = insertionPoints(others);
  const units = unitsOf(scheme);
  const colour = schemeOf(scheme)?.border ?? null;
  const thin = { "line-color": "#3c5162", "line-opacity": 0.7, "line-width": ["interpolate", ["linear"], ["zoom"], 11, 0.3, 14, 0.7, 18, 1.6] };
  // Where cells are small a strong colour would hide theirs.
  const wide = {
    "line-color": ["step", ["zoom"], thin["line-color"], 14, colour ?? INK],
    "line-opacity": ["interpolate", ["linear"], ["zoom"], 13, 0.7, 14.5, 0.85],
    "line-width": ["interpolate", ["linear"], ["zoom"], 11, 0.3, 14, 0.9, 18, 2.6],
  };
  const strong = units === null && colour === null ? thin : wide;
  return [
    [fill("groups-fill", "cell_groups", groupColour(classes)), fills],
    [line("groups-line", "group_borders", { ...thin, "line-width": 0.6 }), lines],
    [fill("cells-fill", "cells", cellColour(classes)), fills],
    ...(units === null ? [] : [[line("units-line", "cell_borders", { ...thin, "line-opacity": 0.5 }, "units"), lines]]),
    [line("cells-line", "cell_borders", strong), lines],
    [CODES],
    [NAMES],
  ];
}

// A style with the cells of a scheme on a day, and everything else that has a source hidden: so the cells are drawn
// before the rest is loaded.
export function withCells(style, described, choice, classes) {
  const layers = style.layers.map((each) => (each.source ? { ...each, layout: { ...each.layout, visibility: "none" } } : each));
  for (const [layer, above] of cellLayers(style.layers, classes, choice)) {
    const place = layers.findIndex((each) => each.id === above);
    layers.splice(place < 0 ? layers.length : place, 0, layer);
  }
  return { ...style, sources: { ...style.sources, ...cellSources(described, choice) }, layers };
}

// Draw the cells of a scheme on a day ({ scheme, at }) in place of those that are there.
export function drawCells(map, described, choice, classes) {
  removeCells(map);
  for (const [name, source] of Object.entries(cellSources(described, choice))) map.addSource(name, source);
  for (const [layer, above] of cellLayers(map.getStyle().layers, classes, choice)) map.addLayer(layer, above);
}

// Settles once the cells in view are drawn, or cannot be loaded.
export function cellsDrawn(map) {
  return new Promise((resolve) => {
    const look = ({ sourceId, tile }) => {
      if (sourceId !== "cells" || !tile || !map.isSourceLoaded("cells")) return;
      map.off("sourcedata", look);
      map.once("render", resolve);
    };
    map.on("sourcedata", look);
    map.once("idle", resolve);
  });
}

export function removeCells(map) {
  for (const id of IDS) if (map.getLayer(id)) map.removeLayer(id);
  for (const name of ["cells", "units"]) if (map.getSource(name)) map.removeSource(name);
}

export function recolourCells(map, classes) {
  if (!map.getLayer("cells-fill")) return;
  map.setPaintProperty("cells-fill", "fill-color", cellColour(classes));
  map.setPaintProperty("groups-fill", "fill-color", groupColour(classes));
}

export function showCells(map, hidden) {
  for (const id of IDS) {
    if (!map.getLayer(id)) continue;
    const visible = !hidden.has("cells") && !(hidden.has("labels") && /code|name/.test(id)) && !(hidden.has("units") && id === "units-line");
    map.setLayoutProperty(id, "visibility", visible ? "visible" : "none");
  }
}

const row = (name, value) => h("span", { class: "row" }, h("span", {}, name), h("b", {}, value));

function measureRows(properties) {
  const { fill } = current();
  const keys = properties[fill] === undefined ? headlines().map((each) => each.key) : [fill];
  return keys.filter((key) => properties[key] !== undefined).map((key) => row(measureName(key), formatMeasure(key, properties[key])));
}

const isGroup = ({ layer }) => layer.id === "groups-fill";

// What the pointer finds of cells. Cells that are drawn together by area are taken apart by zooming in.
export const cellTarget = {
  layers: ["cells-fill", "groups-fill"],
  wide: false,
  outlined: (feature) => !isGroup(feature),
  card(feature) {
    const { properties } = feature;
    const under = isGroup(feature) ? row(t("stat_cells"), number(properties.cells)) : h("small", {}, properties.code);
    return [h("b", {}, properties.name ?? properties.area_code ?? properties.code), under, ...measureRows(properties)];
  },
  pick(feature, map, place) {
    if (!isGroup(feature)) return { kind: "cell", code: feature.properties.code };
    map.easeTo({ center: place, zoom: Math.max(map.getZoom() + 1.5, current().groupsBelow + 0.2) });
    return null;
  },
};
