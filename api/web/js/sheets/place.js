// The sheet of a place that is in no cell of the scheme: who owns it under every scheme.

import { ask } from "../core/api.js";
import { h } from "../core/dom.js";
import { place } from "../core/format.js";
import { t, word } from "../core/i18n.js";
import { block, facts, head } from "./sheet.js";
import { change, current } from "../core/state.js";

export async function locate(lon, lat, at) {
  return ask("v1/locate", { query: { lon: lon.toFixed(8), lat: lat.toFixed(8), at } });
}

// One row for each scheme: its cell, which a click opens, or the reason why there is none.
export function ownerRows(owners, spot) {
  return owners.map((owner) => {
    if (owner.cell === null) {
      return h("div", { class: "owner" }, h("b", {}, owner.name ?? owner.scheme), h("small", {}, word("reason", owner.reason)));
    }
    const open = () => change({ scheme: owner.scheme, chosen: { kind: "cell", code: owner.cell.code, ...spot } });
    return h(
      "button",
      { class: "owner", type: "button", onclick: open },
      h("b", {}, owner.cell.name || owner.cell.code),
      h("small", {}, owner.name ?? owner.scheme),
      h("span", { class: "figures" }, owner.cell.code),
    );
  });
}

export function named(owners, schemes) {
  return owners.map((owner) => ({ ...owner, name: schemes.find((each) => each.code === owner.scheme)?.name }));
}

let schemes = null;

export async function schemeNames() {
  schemes ??= (await ask("v1/schemes")).items;
  return schemes;
}

export async function placeSheet({ lon, lat }) {
  const [found, names] = await Promise.all([locate(lon, lat, current().at), schemeNames()]);
  const areas = found.owners.find((owner) => owner.cell?.areas?.length)?.cell.areas ?? [];
  const chain = areas.map((each) => each.name ?? each.code).join(" · ");
  return [
    head(t("sheet.place"), place(lon, lat), chain),
    block(t("owners"), found.owners.length ? ownerRows(named(found.owners, names), { lon, lat }) : h("p", { class: "quiet" }, t("no_schemes"))),
    block(null, facts([[t("date"), found.at]])),
  ];
}
