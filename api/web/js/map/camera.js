// Where the map looks: flights to boxes and places that leave room for what stands on the map.

import { byId } from "../core/dom.js";
import { current } from "../core/state.js";

// Room for the tools at the right, the scale, and on a phone the handle of the panel.
export const padding = () => (matchMedia("(max-width: 799px)").matches ? { top: 20, bottom: 92, left: 16, right: 16 } : { top: 48, bottom: 56, left: 48, right: 72 });

// Show all that there is.
export function showAll(map) {
  map.fitBounds(current().bounds, { padding: padding(), duration: 600 });
}

// How much of the map the sheet covers: at the right, or on a phone from below.
function coveredBySheet(map) {
  if (current().chosen === null) return { right: 0, bottom: 0 };
  const stage = map.getContainer().getBoundingClientRect();
  const sheet = byId("sheet").getBoundingClientRect();
  return sheet.left > stage.left + 1 ? { right: sheet.width, bottom: 0 } : { right: 0, bottom: Math.max(0, stage.bottom - sheet.top) };
}

export function flyToBox(map, [west, south, east, north]) {
  const { right, bottom } = coveredBySheet(map);
  map.fitBounds([[west, south], [east, north]], { padding: { left: 90, top: 90, right: right + 90, bottom: bottom + 40 }, maxZoom: 15.8, duration: 700 });
}

export function flyToPlace(map, place) {
  const { right, bottom } = coveredBySheet(map);
  map.easeTo({ center: place, zoom: Math.max(map.getZoom(), 17), offset: [-right / 2, -bottom / 2] });
}

// Move a place into the open if the sheet hides it.
export function keepInView(map, place) {
  const { right, bottom } = coveredBySheet(map);
  const { clientWidth, clientHeight } = map.getContainer();
  const { x, y } = map.project(place);
  const across = Math.max(0, x - (clientWidth - right - 80));
  const down = Math.max(0, y - (clientHeight - bottom - 60));
  if (across > 0 || down > 0) map.panBy([across, down], { duration: 350 });
}
