// What the pointer and the keyboard ask of the map: the card that follows the pointer, and what a click opens.

import { CELL_FILLS } from "./cells.js";
import { byId, h, replace, settled } from "../core/dom.js";
import { area, number } from "../core/format.js";
import { t, word } from "../core/i18n.js";
import { measured, measureName } from "../monitor/legend.js";
import { GAP_LAYERS, OBJECT_LAYERS } from "./entities.js";
import { change, current } from "../core/state.js";

function found(map, point, layers, reach = 0) {
  const present = layers.filter((id) => map.getLayer(id));
  const box = reach === 0 ? point : [[point.x - reach, point.y - reach], [point.x + reach, point.y + reach]];
  return map.queryRenderedFeatures(box, { layers: present })[0] ?? null;
}

// The uppermost thing at a point: an entity, a point gap, a cell, or nothing.
function at(map, point, reach) {
  return found(map, point, OBJECT_LAYERS, reach) ?? found(map, point, ["gaps-point"], reach) ?? found(map, point, CELL_FILLS);
}

const row = (name, value) => h("span", { class: "row" }, h("span", {}, name), h("b", {}, value));

function cellCard({ properties, layer }) {
  const { fill } = current();
  const group = layer.id === "groups-fill";
  const lines = [h("b", {}, properties.name ?? properties.area_code ?? properties.code)];
  if (!group) lines.push(h("small", {}, properties.code));
  if (group) lines.push(row(t("stat_cells"), number(properties.cells)));
  if (fill !== "neighbours" && properties[fill] !== undefined) {
    lines.push(row(measureName(fill), measured(fill, properties[fill])));
  } else {
    for (const key of ["households", "enterprises"]) {
      if (properties[key] !== undefined) lines.push(row(measureName(key), number(properties[key])));
    }
    if (properties.area_m2 !== undefined) lines.push(row(t("ground"), area(properties.area_m2)));
  }
  return lines;
}

function gapCard({ properties }) {
  return [h("b", {}, word("gap", properties.kind)), h("small", {}, word("severity", properties.severity))];
}

function entityCard({ properties }) {
  const many = (properties.count ?? 1) > 1;
  const lines = [h("b", {}, word("kind", properties.kind))];
  if (many) lines.push(h("small", {}, number(properties.count)));
  else if (properties.class_name) lines.push(h("small", {}, properties.class_name));
  return lines;
}

function card(feature) {
  if (feature.layer.id.startsWith("entity-")) return entityCard(feature);
  if (GAP_LAYERS.includes(feature.layer.id)) return gapCard(feature);
  return cellCard(feature);
}

// Milliseconds that a cell is pointed at before it is outlined: the map is not drawn anew for those that are crossed.
const REST = 100;

function follow(map, outlines) {
  const tip = byId("tip");
  let above = false; // whether there is something beneath the pointer
  let pointed = null; // the cell that it is
  const outline = settled(REST, () => outlines.point(pointed));
  const pointTo = (cell) => {
    if (cell?.properties.code === pointed?.properties.code) return;
    pointed = cell;
    outline();
  };
  const leave = () => {
    if (!above) return;
    above = false;
    tip.hidden = true;
    pointTo(null);
    map.getCanvas().style.cursor = "";
  };
  map.on("mousemove", ({ point, originalEvent }) => {
    if (document.body.dataset.tool === "ruler") return leave();
    // The ground that is dragged stays beneath the pointer, and what is outlined on it.
    if (originalEvent.buttons !== 0) return undefined;
    const feature = at(map, point, 4);
    if (feature === null) return leave();
    above = true;
    pointTo(feature.layer.id === "cells-fill" ? feature : null);
    map.getCanvas().style.cursor = "pointer";
    replace(tip, card(feature));
    tip.hidden = false;
    const stage = map.getContainer();
    const right = point.x + 16 + tip.offsetWidth > stage.clientWidth;
    const low = point.y + 16 + tip.offsetHeight > stage.clientHeight;
    tip.style.left = `${right ? point.x - 12 - tip.offsetWidth : point.x + 16}px`;
    tip.style.top = `${low ? point.y - 12 - tip.offsetHeight : point.y + 16}px`;
    return undefined;
  });
  map.on("mouseout", leave);
  map.on("movestart", () => {
    tip.hidden = true;
  });
}

// Open what lies at a point of the map.
function open(map, point, lngLat, reach) {
  const feature = at(map, point, reach);
  const spot = { lon: lngLat.lng, lat: lngLat.lat };
  if (feature === null) return change({ chosen: { kind: "place", ...spot } });
  const { properties, layer } = feature;
  if (layer.id === "groups-fill") return map.easeTo({ center: lngLat, zoom: Math.max(map.getZoom() + 1.5, current().groupsBelow + 0.2) });
  if (layer.id === "cells-fill") return change({ chosen: { kind: "cell", code: properties.code, ...spot } });
  if (layer.id === "gaps-point") return change({ chosen: { kind: "gap", id: feature.id, ...spot } });
  if ((properties.count ?? 1) > 1) return map.easeTo({ center: lngLat, zoom: Math.min(map.getZoom() + 2, 17) });
  return change({ chosen: { kind: "entity", id: properties.id ?? feature.id, ...spot } });
}

export function openPointer(map, outlines) {
  const fine = matchMedia("(hover: hover)").matches;
  if (fine) follow(map, outlines);
  map.on("click", (event) => {
    if (document.body.dataset.tool === "ruler") return;
    byId("tip").hidden = true;
    open(map, event.point, event.lngLat, fine ? 4 : 12);
  });
  map.getCanvas().addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || document.body.dataset.tool === "ruler") return;
    event.preventDefault();
    const centre = map.getCenter();
    open(map, map.project(centre), centre, 10);
  });
}
