// The sheet of a gap: what is missing, where, how much, and by which rule.

import { ask } from "../core/api.js";
import { h } from "../core/dom.js";
import { area, number } from "../core/format.js";
import { gapDetail, gapKindName, gapRule, severityName } from "../core/gap_kinds.js";
import { t } from "../core/i18n.js";
import { measureName } from "../core/measures.js";
import { flyToBox } from "../map/camera.js";
import { pinAt } from "../map/pin.js";
import { answerable, entityLink } from "./gap_row.js";
import { actions, block, facts, head, listTile, openCell, tile, zoomButton } from "./parts.js";

// The areas of a gap by name, and the code of its own.
const areaOf = (gap) => [gap.area, gap.area_code].filter(Boolean).join(" ");

// The list of what one of the numbers of a gap counts, as it was on the day of the search.
const affected = ({ id, kind, on, cell_code: code, scheme }, key) => ({ list: "entities", query: { gap: id, affected: key, scheme, at: on }, title: [gapKindName(kind), code].filter(Boolean).join(" "), under: measureName(key) });

function tiles(gap) {
  const figures = [
    gap.area_m2 > 0 ? tile(area(gap.area_m2), t("ground")) : null,
    ...["households", "enterprises"].filter((key) => gap[key] > 0).map((key) => listTile(number(gap[key]), measureName(key), affected(gap, key), { "data-affected": key })),
  ];
  return figures.filter(Boolean);
}

const isPoint = ([west, south, east, north]) => west === east && south === north;

async function render({ id, fly, record }, { map, onShown }) {
  const gap = record ?? (await ask(`v1/gaps/${id}`));
  const zoom = () => flyToBox(map, gap.box);
  // A point has no outline by which it would stand out.
  if (gap.box && isPoint(gap.box)) onShown(() => pinAt(map, gap.box.slice(0, 2)));
  if (fly && gap.box) onShown(zoom);
  return [
    head(t("sheet.gap"), gapKindName(gap.kind), `${severityName(gap.severity)} · ${gap.on}`),
    actions(gap.box ? zoomButton(zoom) : h("p", { class: "quiet" }, t("gap_no_place"))),
    block(t("gap_affected"), h("div", { class: "tiles" }, tiles(gap))),
    block(t("gap_rule"), h("p", {}, gapDetail(gap)), h("p", { class: "quiet" }, gapRule(gap))),
    gap.entity ? block(t("gap_entity"), entityLink(gap)) : null,
    block(t("officers"), h("p", {}, answerable(gap))),
    gap.cell_code ? block(t("gap_cell"), h("button", { class: "owner", type: "button", onclick: () => openCell(gap.cell_code) }, h("b", {}, gap.cell_name || gap.cell_code), gap.cell_name ? h("span", { class: "figures" }, gap.cell_code) : null)) : null,
    block(null, facts([[t("area_name"), areaOf(gap)], [t("gaps_run"), gap.on]])),
  ];
}

export const gapSheet = { kind: "gap", render };
