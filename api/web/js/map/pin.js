// The pin at the place, object or point of a gap whose sheet is open: it stands there whatever layers are drawn.

import { h, icon } from "../core/dom.js";
import { maplibre } from "./map.js";

let pin = null;

// Put the pin at [longitude, latitude], or take it away.
export function pinAt(map, spot) {
  pin?.remove();
  pin = null;
  if (spot === null) return;
  const element = h("div", { class: "pin", "aria-hidden": "true" }, icon("place"));
  pin = new maplibre.Marker({ element, anchor: "bottom" }).setLngLat(spot).addTo(map);
}
