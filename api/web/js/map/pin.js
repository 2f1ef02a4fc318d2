// The pin at the place, entity or point of a gap whose sheet is open: it is there whatever layers are shown.

import { h, icon } from "../core/dom.js";
import { maplibre } from "./map.js";

let pin = null;

// Put the pin at [longitude, latitude], or take it away.
export function pinAt(map, place) {
  pin?.remove();
  pin = null;
  if (place === null) return;
  const element = h("div", { class: "pin", "aria-hidden": "true" }, icon("place"));
  pin = new maplibre.Marker({ element, anchor: "bottom" }).setLngLat(place).addTo(map);
}
