// The map itself: how MapLibre is set up, and how its view gets into the state.

import * as maplibre from "../../vendor/maplibre-gl/maplibre-gl.mjs";
import { t } from "../core/i18n.js";
import { change, listen } from "../core/state.js";
import { padding } from "./camera.js";
import { paceFrames } from "./frame_pacing.js";

export { maplibre };

// The thread that reads tiles starts while the page is still asking what to draw.
maplibre.prewarm();

export const FONTS = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", "sans-serif"];

// A map in a container, at a view ({ zoom, center } or { bounds }).
export function makeMap(container, style, view, options = {}) {
  const map = new maplibre.Map({
    container,
    style: structuredClone(style),
    ...(view.bounds ? { bounds: view.bounds, fitBoundsOptions: { padding: padding() } } : view),
    attributionControl: false,
    maxZoom: 20,
    minZoom: 4,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    localIdeographFontFamily: FONTS.map((each) => `"${each}"`).join(","),
    // Without fading MapLibre places all labels for every frame.
    fadeDuration: 120,
    locale: { "Map.Title": t("map") },
    ...options,
  });
  paceFrames(map);
  return map;
}

// The map of the page, or null where the browser cannot draw one.
export async function openMap(style, view) {
  let map;
  try {
    map = makeMap("map", style, view);
  } catch {
    change({ message: { word: "map_failed" } });
    return null;
  }
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  const label = () => map.getCanvas().setAttribute("aria-label", t("map"));
  label();
  listen(["language"], label);
  await new Promise((resolve) => map.once("style.load", resolve));
  const keepView = () => {
    const { lng, lat } = map.getCenter();
    change({ view: { zoom: map.getZoom(), center: [lng, lat] } });
  };
  map.on("move", keepView);
  keepView();
  return map;
}
