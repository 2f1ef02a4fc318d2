// The sheet of a gap: what is missing, where, how much, and by which rule; and its row in lists.

import { ask } from "../core/api.js";
import { h, icon } from "../core/dom.js";
import { area, number } from "../core/format.js";
import { t, word } from "../core/i18n.js";
import { gapSentence } from "../core/gap_kinds.js";
import { pinAt } from "../map/pin.js";
import { block, covered, facts, head } from "./sheet.js";
import { change } from "../core/state.js";

export const affected = (gap) =>
  [
    gap.area_m2 > 0 ? area(gap.area_m2) : null,
    gap.households > 0 ? t("gap_households", { n: number(gap.households) }) : null,
    gap.enterprises > 0 ? t("gap_enterprises", { n: number(gap.enterprises) }) : null,
  ].filter(Boolean);

export const openGap = (gap) => change({ chosen: { kind: "gap", id: gap.id, fly: true, record: gap } });

export function gapRow(gap, chosen) {
  return h(
    "button",
    { class: "gap-row", type: "button", "aria-current": chosen ? "true" : null, "data-gap": gap.id, onclick: () => openGap(gap) },
    h("i", { class: `dot dot-${gap.severity}` }),
    h("b", {}, word("gap", gap.kind)),
    h("span", {}, word("severity", gap.severity)),
    h("small", {}, h("span", {}, affected(gap).join(" · ")), h("span", {}, gap.cell_code)),
  );
}

export function flyToBox(map, box) {
  const [west, south, east, north] = box;
  const { right, bottom } = covered(map);
  const padding = { left: 90, top: 90, right: right + 90, bottom: bottom + 40 };
  map.fitBounds([[west, south], [east, north]], { padding, maxZoom: 15.8, duration: 700 });
}

// The area of a gap by name and code; by code alone where the caller may not know more.
async function areaOf({ area_code: code }) {
  if (code === null) return null;
  try {
    return `${(await ask(`v1/areas/${encodeURIComponent(code)}`)).name} ${code}`;
  } catch {
    return code;
  }
}

export async function gapSheet({ id, fly, record }, { map, move }) {
  const gap = record ?? (await ask(`v1/gaps/${id}`));
  const ground = await areaOf(gap);
  // A gap that is a point has no outline to stand out by.
  if (gap.box && gap.box[0] === gap.box[2] && gap.box[1] === gap.box[3]) move(() => pinAt(map, gap.box.slice(0, 2)));
  if (fly && gap.box) move(() => flyToBox(map, gap.box));
  const openCell = () => change({ chosen: { kind: "cell", code: gap.cell_code, fly: true } });
  return [
    head(t("sheet.gap"), word("gap", gap.kind), `${word("severity", gap.severity)} · ${gap.on}`),
    h(
      "div",
      { class: "sheet-actions" },
      gap.box ? h("button", { class: "button", type: "button", onclick: () => flyToBox(map, gap.box) }, icon("place"), t("zoom_to")) : h("p", { class: "quiet" }, t("gap_no_place")),
    ),
    block(t("gap_affected"), h("div", { class: "tiles" }, tiles(gap))),
    block(t("gap_rule"), h("p", {}, gapSentence(gap))),
    gap.cell_code ? block(t("gap_cell"), h("button", { class: "owner", type: "button", onclick: openCell }, h("b", {}, gap.cell_code))) : null,
    block(null, facts([[t("area_name"), ground], [t("gaps_run"), gap.on]])),
  ];
}

function tiles(gap) {
  const figures = [
    [area(gap.area_m2), t("ground"), gap.area_m2 > 0],
    [number(gap.households), t("measure.households"), gap.households > 0],
    [number(gap.enterprises), t("measure.enterprises"), gap.enterprises > 0],
  ];
  return figures.filter(([, , there]) => there).map(([value, name]) => h("div", { class: "tile" }, h("b", {}, value), h("span", {}, name)));
}
