// What the pointer and the keyboard ask of the map: the card that follows the pointer, and what a click opens.
//
// What can be pointed at is given as targets, the uppermost first: { layers, wide: whether near misses count,
// card(feature), pick(feature, map, place): what a click chooses, or null if it moves the map instead,
// outlined(feature): whether it is outlined on the map, if it ever is }.

import { byId, debounce, replace } from "../core/dom.js";
import { change, current, listen } from "../core/state.js";

// Milliseconds that a cell is pointed at before it is outlined: the map is not drawn anew for cells that are crossed.
const REST = 100;

// Pixels by which a near miss may miss: by a mouse, by the keyboard, by a finger.
const MOUSE = 4;
const KEYBOARD = 10;
const FINGER = 12;

function featureAt(map, point, { layers, wide }, reach) {
  const box = wide ? [[point.x - reach, point.y - reach], [point.x + reach, point.y + reach]] : point;
  return map.queryRenderedFeatures(box, { layers: layers.filter((id) => map.getLayer(id)) })[0] ?? null;
}

// The uppermost thing at a point, with its target.
function hitAt(map, targets, point, reach) {
  for (const target of targets) {
    const feature = featureAt(map, point, target, reach);
    if (feature !== null) return { feature, target };
  }
  return null;
}

const clicksTaken = () => current().tool?.takesClicks ?? false;

function followPointer(map, targets) {
  const tip = byId("tip");
  let hovering = false; // whether there is something beneath the pointer
  let cell = null; // the feature to be outlined
  const point = debounce(REST, () => change({ pointed: cell }));
  const pointTo = (feature) => {
    if (feature?.properties.code === cell?.properties.code) return;
    cell = feature;
    point();
  };
  const leave = () => {
    if (!hovering) return;
    hovering = false;
    tip.hidden = true;
    pointTo(null);
    map.getCanvas().style.cursor = "";
  };
  const place = ({ x, y }) => {
    const stage = map.getContainer();
    const right = x + 16 + tip.offsetWidth > stage.clientWidth;
    const low = y + 16 + tip.offsetHeight > stage.clientHeight;
    tip.style.left = `${right ? x - 12 - tip.offsetWidth : x + 16}px`;
    tip.style.top = `${low ? y - 12 - tip.offsetHeight : y + 16}px`;
  };
  map.on("mousemove", ({ point: at, originalEvent }) => {
    if (clicksTaken()) return leave();
    // While the map is dragged the same place stays beneath the pointer, and so does its outline.
    if (originalEvent.buttons !== 0) return undefined;
    const hit = hitAt(map, targets, at, MOUSE);
    if (hit === null) return leave();
    hovering = true;
    pointTo(hit.target.outlined?.(hit.feature) ? hit.feature : null);
    map.getCanvas().style.cursor = "pointer";
    replace(tip, hit.target.card(hit.feature));
    tip.hidden = false;
    place(at);
    return undefined;
  });
  map.on("mouseout", leave);
  // What is beneath the pointer is of the scheme and day before.
  listen(["scheme", "at", "fill", "hidden"], leave);
  map.on("movestart", () => {
    tip.hidden = true;
  });
}

// Open what lies at a point of the map; where there is nothing, the place itself.
function open(map, targets, point, lngLat, reach) {
  const place = { lon: lngLat.lng, lat: lngLat.lat };
  const hit = hitAt(map, targets, point, reach);
  const chosen = hit === null ? { kind: "place" } : hit.target.pick(hit.feature, map, lngLat);
  if (chosen !== null) change({ chosen: { ...chosen, ...place } });
}

export function openPointer(map, targets) {
  const fine = matchMedia("(hover: hover)").matches;
  if (fine) followPointer(map, targets);
  map.on("click", (event) => {
    if (clicksTaken()) return;
    byId("tip").hidden = true;
    open(map, targets, event.point, event.lngLat, fine ? MOUSE : FINGER);
  });
  map.getCanvas().addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || clicksTaken()) return;
    event.preventDefault();
    const centre = map.getCenter();
    open(map, targets, map.project(centre), centre, KEYBOARD);
  });
}
