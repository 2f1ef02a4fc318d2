// The draft on the map: its cells by how far they are from the ideal, what is chosen, and what an edit would change.

import { effect } from "../../vendor/signals/signals-core.mjs";
import { number } from "../core/format.js";
import { FONTS } from "../map/map.js";
import { ACCENT, INK } from "../map/palette.js";
import { balance, classOf, valueOf } from "./balance.js";
import { cells, changed, locked } from "./draft.js";
import { labelPoint } from "./label_point.js";
import { choose, selection, tool, visible } from "./gesture.js";

// From far too little to far too much; apart for the colour-blind, and the figures stand beside.
export const CLASS_COLOURS = { "-2": "#3f7fb8", "-1": "#a9cbe6", 0: "#f3f1ec", 1: "#f2c28b", 2: "#d9782d" };
const EMPTY = { type: "FeatureCollection", features: [] };

const feature = (cell, properties = {}) => ({ type: "Feature", id: cell.code, geometry: cell.geometry, properties: { code: cell.code, name: cell.name, ...properties } });

function drawnCell(cell, { key, ideal }) {
  const value = valueOf(cell, key);
  return feature(cell, { class: classOf(ideal === 0 ? 0 : value / ideal - 1) });
}

// Tiles would label a polygon once each, so that labels are points of their own.
function label(cell, { key }) {
  const value = valueOf(cell, key);
  const text = key === "area_m2" ? `${number(value / 1e4)} ha` : number(value);
  return { ...feature(cell, { label: text }), geometry: { type: "Point", coordinates: labelPoint(cell.geometry) } };
}

const layers = [
  { id: "draft-fill", type: "fill", source: "draft", paint: { "fill-color": ["match", ["get", "class"], ...Object.entries(CLASS_COLOURS).flatMap(([name, colour]) => [Number(name), colour]), "#ffffff"], "fill-opacity": 0.62, "fill-antialias": false } },
  { id: "draft-line", type: "line", source: "draft", paint: { "line-color": "#3c5162", "line-width": ["interpolate", ["linear"], ["zoom"], 11, 0.4, 15, 1.2, 18, 2.2] } },
  { id: "locked-line", type: "line", source: "draft", filter: ["in", ["get", "code"], ["literal", []]], paint: { "line-color": INK, "line-width": 3, "line-dasharray": [0.4, 1.6] }, layout: { "line-cap": "round" } },
  { id: "chosen-fill", type: "fill", source: "draft", filter: ["in", ["get", "code"], ["literal", []]], paint: { "fill-color": ACCENT, "fill-opacity": 0.16 } },
  { id: "chosen-line", type: "line", source: "draft", filter: ["in", ["get", "code"], ["literal", []]], paint: { "line-color": ACCENT, "line-width": 3.5 } },
  { id: "preview-fill", type: "fill", source: "preview", paint: { "fill-color": "#7b3fa0", "fill-opacity": 0.14 } },
  { id: "preview-line", type: "line", source: "preview", paint: { "line-color": "#7b3fa0", "line-width": 2.5, "line-dasharray": [2, 1.5] } },
  {
    id: "draft-label",
    type: "symbol",
    source: "draft-labels",
    minzoom: 13.5,
    layout: { "text-font": FONTS.slice(0, 4), "text-size": 12, "text-padding": 3, "text-field": ["format", ["slice", ["get", "code"], ["max", 0, ["-", ["length", ["get", "code"]], 3]]], { "font-scale": 0.85 }, "\n", {}, ["get", "label"], {}] },
    paint: { "text-color": INK, "text-halo-color": "rgba(255, 255, 255, .92)", "text-halo-width": 1.4 },
  },
];

export function boundsOf(list) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const walk = (part) => {
    if (typeof part[0] !== "number") part.forEach(walk);
    else [box[0], box[1], box[2], box[3]] = [Math.min(box[0], part[0]), Math.min(box[1], part[1]), Math.max(box[2], part[0]), Math.max(box[3], part[1])];
  };
  list.forEach((cell) => walk(cell.geometry.coordinates));
  return box;
}

// Tools stand at the left, the card of a tool at the right.
const ROOM = { left: 110, right: 90, top: 50, bottom: 60 };

// Fly to cells of the draft.
export function flyTo(map, list, duration = 600) {
  if (list.length === 0) return;
  const [west, south, east, north] = boundsOf(list);
  map.fitBounds([[west, south], [east, north]], { padding: ROOM, maxZoom: 16.5, duration });
}

export function openDraftMap(map) {
  map.addSource("draft", { type: "geojson", data: EMPTY, promoteId: "code" });
  map.addSource("draft-labels", { type: "geojson", data: EMPTY, promoteId: "code" });
  map.addSource("preview", { type: "geojson", data: EMPTY });
  for (const layer of layers) map.addLayer(layer);
  // Shift chooses further cells.
  map.boxZoom.disable();
  let figures = ""; // by which the cells on the map are classed
  effect(() => {
    const known = cells.value;
    const found = balance.value;
    const now = JSON.stringify([found.key, found.ideal.toFixed(6)]);
    const codes = changed.value;
    const sources = [[map.getSource("draft"), drawnCell], [map.getSource("draft-labels"), label]];
    if (codes !== null && now === figures && codes.length < 200) {
      const present = codes.filter((code) => known.has(code));
      const remove = codes.filter((code) => !known.has(code));
      for (const [source, make] of sources) source.updateData({ remove, add: present.map((code) => make(known.get(code), found)) });
    } else {
      for (const [source, make] of sources) source.setData({ type: "FeatureCollection", features: [...known.values()].map((cell) => make(cell, found)) });
    }
    figures = now;
  });
  effect(() => {
    const filter = ["in", ["get", "code"], ["literal", selection.value]];
    for (const id of ["chosen-fill", "chosen-line"]) map.setFilter(id, filter);
  });
  effect(() => {
    map.setFilter("locked-line", ["in", ["get", "code"], ["literal", [...locked.value]]]);
  });
  effect(() => {
    const answer = visible.value;
    map.getSource("preview").setData(answer ? { type: "FeatureCollection", features: answer.after.map((cell) => feature(cell)) } : EMPTY);
  });
  map.on("click", (event) => {
    // A tool that draws takes the clicks itself.
    if (tool.peek()?.draws && selection.peek().length >= tool.peek().takes[0]) return;
    const [found] = map.queryRenderedFeatures(event.point, { layers: ["draft-fill"] });
    const { shiftKey, ctrlKey, metaKey } = event.originalEvent;
    if (found) choose(found.properties.code, shiftKey || ctrlKey || metaKey);
    else if (tool.peek() === null) selection.value = [];
  });
  map.on("mousemove", "draft-fill", () => {
    map.getCanvas().style.cursor = tool.peek()?.draws ? "crosshair" : "pointer";
  });
  map.on("mouseleave", "draft-fill", () => {
    map.getCanvas().style.cursor = "";
  });
}
