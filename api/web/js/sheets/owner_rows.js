// Which cells own a place: one row for each scheme.

import { ask } from "../core/api.js";
import { h } from "../core/dom.js";
import { word } from "../core/i18n.js";
import { change, current } from "../core/state.js";

// What owns a place on the day that is shown: { at, owners }.
export function locate({ lon, lat }) {
  return ask("v1/locate", { query: { lon: lon.toFixed(8), lat: lat.toFixed(8), at: current().at } });
}

export const schemeName = (code) => current().schemes.find((each) => each.code === code)?.name ?? code;

// The cell of each scheme, which a click opens, or the reason why there is none.
export function ownerRows(owners, place) {
  return owners.map(({ scheme, cell, reason }) => {
    if (cell === null) return h("div", { class: "owner" }, h("b", {}, schemeName(scheme)), h("small", {}, word("reason", reason)));
    return h(
      "button",
      { class: "owner", type: "button", onclick: () => change({ scheme, chosen: { kind: "cell", code: cell.code, ...place } }) },
      h("b", {}, cell.name || cell.code),
      h("small", {}, schemeName(scheme)),
      h("span", { class: "figures" }, cell.code),
    );
  });
}
