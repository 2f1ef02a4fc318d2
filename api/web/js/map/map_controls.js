// What stands on the map: the zoom buttons, the scale, the coordinates, and the line that says it waits for tiles.

import { byId, h, icon, replace } from "../core/dom.js";
import { distance } from "../core/format.js";
import { t } from "../core/i18n.js";
import { listen } from "../core/state.js";
import { showAll } from "./camera.js";

// The length of a bar of at most `pixels` that stands for a round number of metres at the centre of the map.
export function scaleBar(map, pixels) {
  const { clientHeight, clientWidth } = map.getContainer();
  const ends = [clientWidth / 2 - 50, clientWidth / 2 + 50].map((x) => map.unproject([x, clientHeight / 2]));
  const metres = ends[0].distanceTo(ends[1]) / 100;
  const most = metres * pixels;
  const power = 10 ** Math.floor(Math.log10(most));
  const round = [5, 2, 1].find((each) => each * power <= most) * power;
  return { metres: round, pixels: round / metres };
}

function addZoomButtons(map) {
  const button = (key, sign, onclick) =>
    h("button", { type: "button", "data-t-label": key, "data-t-title": key, "aria-label": t(key), title: t(key), onclick }, icon(sign), h("span", { "data-t": `${key}_short`, "aria-hidden": "true" }, t(`${key}_short`)));
  replace(
    byId("zoom"),
    button("zoom_in", "plus", () => map.zoomIn()),
    button("zoom_out", "minus", () => map.zoomOut()),
    button("whole", "whole", () => showAll(map)),
  );
}

function addScale(map) {
  const length = h("i");
  const bar = h("b", {}, length);
  const scale = byId("scale");
  replace(scale, bar);
  const draw = () => {
    const { metres, pixels } = scaleBar(map, 130);
    const text = distance(metres);
    bar.style.width = `${Math.round(pixels)}px`;
    // The same text is not set again: the page would be laid out anew for each frame of a movement.
    if (length.textContent === text) return;
    length.textContent = text;
    scale.setAttribute("aria-label", text);
  };
  map.on("zoom", draw);
  // The scale depends on the latitude as well.
  map.on("moveend", draw);
  listen(["language"], draw);
  draw();
}

function addCoordinates(map) {
  const where = byId("where");
  map.on("mousemove", ({ lngLat, originalEvent }) => {
    // While the map is dragged the same place stays beneath the pointer.
    if (originalEvent.buttons === 0) where.textContent = `${lngLat.lng.toFixed(5)}, ${lngLat.lat.toFixed(5)}`;
  });
  map.on("mouseout", () => {
    where.textContent = "";
  });
}

// A line above the map while it waits for tiles longer than a moment.
function addWaitingLine(map) {
  const stage = byId("stage");
  let timer = 0;
  map.on("dataloading", () => {
    if (timer === 0) timer = setTimeout(() => stage.classList.add("waiting"), 400);
  });
  map.on("idle", () => {
    clearTimeout(timer);
    timer = 0;
    stage.classList.remove("waiting");
  });
}

export function addMapControls(map, attribution) {
  addZoomButtons(map);
  addScale(map);
  addCoordinates(map);
  addWaitingLine(map);
  byId("credit").textContent = attribution;
}
