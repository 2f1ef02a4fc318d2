// The sheet of a place where nothing is drawn: who owns it under every scheme.

import { h } from "../core/dom.js";
import { place } from "../core/format.js";
import { t } from "../core/i18n.js";
import { locate, ownerRows } from "./owner_rows.js";
import { block, facts, head } from "./parts.js";

async function render({ lon, lat }) {
  const { at, owners } = await locate({ lon, lat });
  const areas = owners.find((owner) => owner.cell?.areas?.length)?.cell.areas ?? [];
  return [
    head(t("sheet.place"), place(lon, lat), areas.map((each) => each.name ?? each.code).join(" · ")),
    block(t("owners"), owners.length ? ownerRows(owners, { lon, lat }) : h("p", { class: "quiet" }, t("no_schemes"))),
    block(null, facts([[t("date"), at]])),
  ];
}

const pin = ({ lon, lat }) => [lon, lat];

export const placeSheet = { kind: "place", pin, render };
