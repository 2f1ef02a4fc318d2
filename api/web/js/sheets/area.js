// The sheet of a street or community: its outline, who answers for it, its cells, what lies in it, and its gaps.

import { address, ask } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { COUNTED_KINDS, entityKindPlural } from "../core/entity_kinds.js";
import { area, number } from "../core/format.js";
import { SEVERITIES, severityName } from "../core/gap_kinds.js";
import { t, word } from "../core/i18n.js";
import { errorMessage, notify } from "../core/notifications.js";
import { may } from "../core/session.js";
import { current } from "../core/state.js";
import { flyToBox } from "../map/camera.js";
import { outcomeList } from "../map/legend_rows.js";
import { outlineArea } from "../map/outlines.js";
import { actions, areaButton, block, facts, head, listTile, revealButton, tile, zoomButton } from "./parts.js";
import { levelList, person } from "./people.js";

const path = (code) => `v1/areas/${encodeURIComponent(code)}/sheet`;

function officers(sheet) {
  if (sheet.officers.length === 0) return h("p", { class: "quiet" }, t("not_staffed"));
  const rows = (listed) => listed.map((each) => h("li", {}, person(each)));
  const list = h("ul", { class: "people", tabindex: "-1" }, rows(sheet.officers));
  if (!may("reveal")) return list;
  const reveal = async () => {
    try {
      const plain = await ask(path(sheet.code), { query: { scheme: sheet.scheme, at: current().at, reveal: true } });
      replace(list, rows(plain.officers));
      more.remove();
      list.focus();
    } catch (error) {
      notify(() => errorMessage(error));
    }
  };
  const more = h("div", {}, revealButton(reveal));
  return [list, more];
}

function gaps({ code, name, gap_run: run, gap_run_on: on, gap_analysis: outcomes, gaps: counts }) {
  if (counts === null) return h("p", { class: "quiet" }, t("gaps_area_not_analysed"));
  const found = SEVERITIES.filter((each) => counts[each] > 0);
  const known = [outcomeList(outcomes), h("p", { class: "note" }, t("gaps_analysed_on", { day: on }))];
  if (found.length === 0) return known;
  return [h("div", { class: "tiles" }, found.map((each) => listTile(number(counts[each]), severityName(each), { list: "gaps", query: { area: code, severity: each, run }, title: name, under: t("stat_gaps") }))), known];
}

async function render({ code, fly }, { map, onShown }) {
  const { scheme, at } = current();
  const sheet = await ask(path(code), { query: { scheme, at } });
  const zoom = () => flyToBox(map, sheet.box);
  onShown(() => outlineArea(map, sheet.geometry));
  if (fly) onShown(zoom);
  const list = (name, query, under) => ({ list: name, query: { area: code, ...query }, title: sheet.name, under });
  const kinds = [...COUNTED_KINDS, ...Object.keys(sheet.counts).filter((kind) => !COUNTED_KINDS.includes(kind))];
  const pdf = address(`maps/${encodeURIComponent(scheme ?? "")}.pdf`, { area: code, at, lang: current().language });
  return [
    head(word("level", sheet.level), sheet.name, sheet.code),
    actions(zoomButton(zoom), sheet.cells > 0 ? h("a", { class: "button", href: pdf, target: "_blank", rel: "noopener" }, t("print_sheet")) : null),
    block(t("officers"), officers(sheet)),
    sheet.responsible.some((each) => each.officers.length > 0) ? block(t("responsible"), levelList(sheet.responsible)) : null,
    sheet.cells === null ? null : block(t("stat_cells"), h("div", { class: "tiles" }, listTile(number(sheet.cells), t("stat_cells"), list("cells", {}, t("stat_cells"))), tile(area(sheet.area_m2), t("stat_area")))),
    block(t("counts_area"), h("div", { class: "tiles" }, kinds.map((kind) => listTile(number(sheet.counts[kind] ?? 0), entityKindPlural(kind), list("entities", { kind }, entityKindPlural(kind)))))),
    sheet.scheme === null ? null : block(t("gaps_here"), gaps(sheet)),
    sheet.beneath.length ? block(t("areas_beneath"), h("div", { class: "links-row" }, sheet.beneath.map(areaButton))) : null,
    sheet.areas.length ? block(null, facts([[t("area_above"), h("span", { class: "links-row" }, sheet.areas.map(areaButton))]])) : null,
  ];
}

export const areaSheet = { kind: "area", render };
