// The sheet of a place: who owns it under every scheme, and how sure that is where a device has found the place.

import { ask } from "../core/api.js";
import { h } from "../core/dom.js";
import { distance, place } from "../core/format.js";
import { distanceToBorder } from "../core/geodesy.js";
import { t } from "../core/i18n.js";
import { current } from "../core/state.js";
import { locate, ownerRows } from "./owner_rows.js";
import { areaButton, block, facts, head } from "./parts.js";

// How far the border of the cell is from a place that is known to some metres, and whether that makes the cell doubtful.
async function certainty({ lon, lat, accuracy }, owners) {
  const cell = owners.find((each) => each.scheme === current().scheme)?.cell ?? null;
  const known = h("p", {}, t("located_within", { n: distance(accuracy) }));
  if (cell === null) return known;
  const { geometry } = await ask(`v1/schemes/${encodeURIComponent(current().scheme)}/cells/${encodeURIComponent(cell.code)}`, { query: { at: current().at } });
  const away = distanceToBorder([lon, lat], geometry);
  const words = away <= accuracy ? "near_border" : "far_from_border";
  return [known, h("p", away <= accuracy ? { class: "warning", role: "alert" } : {}, t(words, { n: distance(away), accuracy: distance(accuracy) }))];
}

async function render(chosen) {
  const { lon, lat, name, detail, accuracy } = chosen;
  const { at, owners } = await locate({ lon, lat });
  const areas = owners.find((owner) => owner.cell?.areas?.length)?.cell.areas ?? [];
  return [
    head(detail ?? t("sheet.place"), name ?? place(lon, lat), name ? place(lon, lat) : null),
    accuracy === undefined ? null : block(t("where"), await certainty(chosen, owners)),
    block(t("owners"), owners.length ? ownerRows(owners, { lon, lat }) : h("p", { class: "quiet" }, t("no_schemes"))),
    block(null, facts([[t("area_name"), areas.length ? h("span", { class: "links-row" }, areas.map(areaButton)) : null], [t("date"), at]])),
  ];
}

const pin = ({ lon, lat }) => [lon, lat];

export const placeSheet = { kind: "place", pin, render };
