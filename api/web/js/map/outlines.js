// The outlines of the cell that is pointed at and of the one that is chosen, put together from what is drawn of them.
//
// A filter on the source of the cells would have all its tiles read again, so each outline is a source of its own.

import { current, listen } from "../core/state.js";
import { maplibre } from "./map.js";
import { ACCENT, INK } from "./palette.js";

// Units in the side of a tile, and how many more of them a tile holds beyond each side.
const EXTENT = 4096;
const BUFFER = 64;
// Vertices have whole units, except for the rounding of longitude and latitude.
const ROUNDING = 0.01;
// Pixels around the known pieces of a cell in which those of other tiles are looked for.
const MARGIN = 4;

// The outline of the area whose sheet is open.
const AREA_LAYERS = [
  ["area-casing", { "line-color": "#fff", "line-width": 7, "line-opacity": 0.85 }],
  ["area-chosen", { "line-color": ACCENT, "line-width": 3.5 }],
];
const NOTHING = { type: "MultiPolygon", coordinates: [] };

// Outline an area by its geometry, or none.
export function outlineArea(map, geometry) {
  map.getSource("area-chosen").setData(geometry ?? NOTHING);
}

const LAYERS = [
  ["pointed", "cells-hover", { "line-color": INK, "line-width": 2 }],
  ["chosen", "cells-casing", { "line-color": "#fff", "line-width": 6 }],
  ["chosen", "cells-chosen", { "line-color": ACCENT, "line-width": 3 }],
];

const polygons = ({ type, coordinates }) => (type === "Polygon" ? [coordinates] : coordinates);

const rings = (piece) => polygons(piece.geometry).flat();

// Math.min and Math.max take too few arguments for these.
const least = (values) => values.reduce((a, b) => Math.min(a, b));
const most = (values) => values.reduce((a, b) => Math.max(a, b));

function boxOf(pieces) {
  const points = pieces.flatMap(rings).flat();
  const [lons, lats] = [points.map(([lon]) => lon), points.map(([, lat]) => lat)];
  return [[least(lons), least(lats)], [most(lons), most(lats)]];
}

function onScreen(map, [southWest, northEast]) {
  const [low, high] = [map.project(southWest), map.project(northEast)];
  return [[low.x - MARGIN, high.y - MARGIN], [high.x + MARGIN, low.y + MARGIN]];
}

// What is drawn of a cell, one piece for each tile: near a box, or anywhere if that is null.
function drawnOf(map, code, box) {
  let pieces = [];
  for (let within = box; ; within = boxOf(pieces)) {
    const area = within === null ? undefined : onScreen(map, within);
    const found = map.queryRenderedFeatures(area, { layers: ["cells-fill"], filter: ["==", ["get", "code"], code], validate: false });
    if (found.length <= pieces.length) return pieces;
    pieces = found;
  }
}

// The border of a piece without the edges that clipping to its tile has made: those lie where the piece ends, as far
// beyond the side of the tile as its buffer reaches.
function border(piece, zoom) {
  const size = EXTENT * 2 ** zoom;
  const units = rings(piece).map((ring) => ring.map((place) => {
    const { x, y } = maplibre.MercatorCoordinate.fromLngLat(place);
    return [x * size, y * size];
  }));
  const same = (a, b) => Math.abs(a - b) < ROUNDING;
  const side = (value) => same(value, EXTENT * Math.round(value / EXTENT));
  const cuts = [0, 1].map((axis) => {
    const values = units.flat().map((place) => place[axis]);
    const [begin, end] = [least(values), most(values)];
    return [side(begin + BUFFER) ? begin : Number.NaN, side(end - BUFFER) ? end : Number.NaN];
  });
  const cut = (a, b) => cuts.some((lines, axis) => lines.some((line) => same(a[axis], line) && same(b[axis], line)));
  const lines = [];
  rings(piece).forEach((ring, at) => {
    let line = [ring[0]];
    for (let next = 1; next < ring.length; next += 1) {
      if (cut(units[at][next - 1], units[at][next])) {
        lines.push(line);
        line = [];
      }
      line.push(ring[next]);
    }
    lines.push(line);
  });
  return lines.filter((line) => line.length > 1);
}

// Outline the cells that the state calls pointed and chosen, beneath the names of the map.
export function openOutlines(map) {
  const outlines = Object.fromEntries(["pointed", "chosen"].map((name) => [name, { code: null, box: null, written: "[]" }]));
  const draw = (name) => {
    const { code, box, written } = outlines[name];
    let pieces = [];
    if (code !== null && map.getLayer("cells-fill")) {
      if (box !== null) pieces = drawnOf(map, code, box);
      if (pieces.length === 0) pieces = drawnOf(map, code, null);
    }
    if (pieces.length > 0) outlines[name].box = boxOf(pieces);
    const zoom = Math.min(Math.floor(map.getZoom()), map.getSource("cells")?.maxzoom);
    const coordinates = pieces.flatMap((piece) => border(piece, zoom));
    outlines[name].written = JSON.stringify(coordinates);
    if (outlines[name].written !== written) map.getSource(name).setData({ type: "MultiLineString", coordinates });
  };
  const outline = (name, code, box) => {
    if (code === outlines[name].code) return;
    Object.assign(outlines[name], { code, box });
    draw(name);
  };
  const top = map.getStyle().layers.find((layer) => layer.type === "symbol")?.id;
  for (const name of Object.keys(outlines)) map.addSource(name, { type: "geojson", data: { type: "MultiLineString", coordinates: [] } });
  for (const [source, id, paint] of LAYERS) map.addLayer({ id, type: "line", source, paint, layout: { "line-join": "round", "line-cap": "round" } }, top);
  map.addSource("area-chosen", { type: "geojson", data: NOTHING });
  for (const [id, paint] of AREA_LAYERS) map.addLayer({ id, type: "line", source: "area-chosen", paint, layout: { "line-join": "round" } }, top);
  // By then other pieces may be drawn, of another view, day or scheme.
  map.on("idle", () => Object.keys(outlines).forEach(draw));
  listen(["pointed"], ({ pointed }) => outline("pointed", pointed?.properties.code ?? null, pointed && boxOf([pointed])));
  listen(["chosen"], ({ chosen }) => {
    const place = chosen?.lon === undefined ? null : [chosen.lon, chosen.lat];
    if (chosen?.kind !== "area") outlineArea(map, null);
    outline("chosen", chosen?.kind === "cell" ? chosen.code : null, place && [place, place]);
  });
  const show = () => {
    const visibility = current().hidden.has("cells") ? "none" : "visible";
    for (const [, id] of LAYERS) map.setLayoutProperty(id, "visibility", visibility);
  };
  listen(["hidden"], show);
  show();
}
