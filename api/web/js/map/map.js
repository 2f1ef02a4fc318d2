// The map itself: MapLibre with the base style of the service, its zoom buttons, scale and coordinates.

import * as maplibre from "../../vendor/maplibre-gl/maplibre-gl.mjs";
import { ask, tilesAddress } from "../core/api.js";
import { carry } from "./frame_pacing.js";
import { byId, h, icon, replace } from "../core/dom.js";
import { distance } from "../core/format.js";
import { onLanguage, t } from "../core/i18n.js";

export { maplibre };

// The thread that reads tiles starts while the page is still asking what to draw.
maplibre.prewarm();

export const FONTS = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", "sans-serif"];

// Room for what stands on the map: tools at the right, the scale, and on a phone the handle of the panel.
const room = () => (matchMedia("(max-width: 799px)").matches ? { top: 20, bottom: 92, left: 16, right: 16 } : { top: 48, bottom: 56, left: 48, right: 72 });

// A source as it is described, at the address that this page has: the service does not always know the one that
// a proxy gives it. It need not hold every layer that the style draws.
async function source(name) {
  const { minzoom, maxzoom, bounds } = await ask(`tiles/${name}.json`);
  return { type: "vector", tiles: [tilesAddress(name)], minzoom, maxzoom, ...(bounds ? { bounds } : {}) };
}

export function withTiles(style, tiles) {
  if (tiles === null) return style;
  const source = { type: "raster", tiles: [tiles.url], tileSize: 256, maxzoom: tiles.max_zoom, attribution: tiles.attribution };
  const ground = style.layers.findIndex((layer) => layer.type === "background");
  style.sources.intranet = source;
  style.layers.splice(ground + 1, 0, { id: "intranet", type: "raster", source: "intranet", paint: { "raster-saturation": -0.4, "raster-opacity": 0.85 } });
  return style;
}

export async function baseStyle() {
  const [style, base, areas] = await Promise.all([ask("styles/calm.json"), source("base"), source("areas")]);
  return { ...style, sources: { base, areas } };
}

export function makeMap(container, style, view, more = {}) {
  const map = new maplibre.Map({
    container,
    style: structuredClone(style),
    ...(view.bounds ? { bounds: view.bounds, fitBoundsOptions: { padding: room() } } : view),
    attributionControl: false,
    maxZoom: 20,
    minZoom: 4,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    localIdeographFontFamily: FONTS.map((each) => `"${each}"`).join(","),
    fadeDuration: 120,
    locale: { "Map.Title": t("map") },
    ...more,
  });
  carry(map);
  return map;
}

// The map, or null where the browser cannot draw one.
export async function openMap(style, view) {
  let map;
  try {
    map = makeMap("map", style, view);
  } catch {
    showMessage(t("map_failed"));
    return null;
  }
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  const name = () => map.getCanvas().setAttribute("aria-label", t("map"));
  name();
  onLanguage(name);
  await new Promise((resolve) => map.once("style.load", resolve));
  return map;
}

export function showMessage(text) {
  const box = byId("map-message");
  box.textContent = text;
  box.hidden = text === "";
}

export function whole(map, bounds) {
  map.fitBounds(bounds, { padding: room(), duration: 600 });
}

export function addZoomButtons(map, bounds) {
  const make = (key, sign, deed) =>
    h("button", { type: "button", "data-t-label": key, "data-t-title": key, "aria-label": t(key), title: t(key), onclick: deed }, icon(sign));
  replace(
    byId("zoom"),
    make("zoom_in", "plus", () => map.zoomIn()),
    make("zoom_out", "minus", () => map.zoomOut()),
    make("whole", "whole", () => whole(map, bounds())),
  );
}

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

// A line above the map while it waits for tiles longer than a moment.
export function showWaiting(map) {
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

export function addFoot(map, setup) {
  const length = h("i");
  const bar = h("b", {}, length);
  const scale = byId("scale");
  replace(scale, bar);
  const draw = () => {
    const { metres, pixels } = scaleBar(map, 130);
    const text = distance(metres);
    bar.style.width = `${Math.round(pixels)}px`;
    // What stands there already is not set again: the page would be laid out anew for each frame of a movement.
    if (length.textContent === text) return;
    length.textContent = text;
    scale.setAttribute("aria-label", text);
  };
  map.on("zoom", draw);
  // The scale follows the latitude as well.
  map.on("moveend", draw);
  onLanguage(draw);
  draw();
  const where = byId("where");
  map.on("mousemove", ({ lngLat, originalEvent }) => {
    // The ground that is dragged stays beneath the pointer.
    if (originalEvent.buttons === 0) where.textContent = `${lngLat.lng.toFixed(5)}, ${lngLat.lat.toFixed(5)}`;
  });
  map.on("mouseout", () => {
    where.textContent = "";
  });
  byId("credit").textContent = setup.base_tiles?.attribution ?? "";
}
