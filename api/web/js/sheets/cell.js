// The sheet of a cell: its officers, what lies in it, its gaps, its size, and the same place in other schemes.

import { ask } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { COUNTED_KINDS, entityKindPlural } from "../core/entity_kinds.js";
import { area, number, period } from "../core/format.js";
import { t } from "../core/i18n.js";
import { details } from "../core/measures.js";
import { errorMessage, notify } from "../core/notifications.js";
import { may } from "../core/session.js";
import { current } from "../core/state.js";
import { flyToBox } from "../map/camera.js";
import { outcomeList } from "../map/legend_rows.js";
import { gapRowOfCell } from "./gap_row.js";
import { locate, ownerRows } from "./owner_rows.js";
import { actions, areaButton, block, facts, head, listTile, revealButton, zoomButton } from "./parts.js";
import { person, published } from "./people.js";

const DUTIES = ["leader", "officer", "inspector", "assistant"];
const SHOWN = 4;

function counts(cell) {
  const kinds = [...COUNTED_KINDS, ...Object.keys(cell.counts).filter((kind) => !COUNTED_KINDS.includes(kind))];
  const list = (kind) => ({ list: "entities", query: { cell: cell.code, kind }, title: cell.name || cell.code, under: entityKindPlural(kind) });
  return h("div", { class: "tiles" }, kinds.map((kind) => listTile(number(cell.counts[kind] ?? 0), entityKindPlural(kind), list(kind), { "data-count": kind })));
}

function rank(letter, posts) {
  const own = posts.filter((each) => each.rank === letter).sort((a, b) => DUTIES.indexOf(a.duty) - DUTIES.indexOf(b.duty));
  const rows = own.map((each) => h("li", { tabindex: "-1" }, person(each)));
  const rest = rows.splice(SHOWN);
  if (rest.length > 0) {
    const more = h("li", {}, h("button", { class: "link-button", type: "button", onclick: () => {
      more.replaceWith(...rest);
      rest[0].focus();
    } }, t("and_more", { n: number(rest.length) })));
    rows.push(more);
  }
  if (rows.length === 0) rows.push(h("li", { class: "vacant" }, t("not_staffed")));
  return h("div", { class: `rank rank-${letter.toLowerCase()}`, "data-rank": letter }, h("b", { title: t(`rank_${letter.toLowerCase()}`) }, letter), h("ul", {}, rows));
}

// The officers of both ranks. Who may see their names asks for them by a button, which is recorded.
function officers(cell) {
  const box = h("div", { tabindex: "-1" }, rank("A", cell.officers), rank("B", cell.officers));
  if (!may("reveal") || cell.officers.length === 0) return [box];
  const reveal = async () => {
    try {
      const plain = await ask(path(cell.scheme, cell.code), { query: { at: cell.at, reveal: true } });
      replace(box, rank("A", plain.officers), rank("B", plain.officers));
      more.remove();
      box.focus();
    } catch (error) {
      notify(() => errorMessage(error));
    }
  };
  const more = h("div", {}, ...revealButton(reveal));
  return [box, more];
}

// The gaps of the cell, and what the search did not look for; without a search, that there was none.
function gaps(cell) {
  if (cell.gap_run === null) return h("p", { class: "quiet", "data-state": "not_analysed" }, t("gaps_cell_not_analysed"));
  return [
    cell.gaps.map(gapRowOfCell),
    outcomeList(cell.gap_analysis),
    h("p", { class: "note" }, t("gaps_analysed_on", { day: cell.gap_run_on })),
  ];
}

// The cells of other schemes at the place of the click. Without one nothing is asked: a cell may lie in several of theirs.
async function elsewhere({ lon, lat }, scheme) {
  if (lon === undefined) return null;
  const others = (await locate({ lon, lat })).owners.filter((each) => each.scheme !== scheme);
  return others.length ? block(t("other_schemes"), ownerRows(others, { lon, lat })) : null;
}

const path = (scheme, code) => `v1/schemes/${encodeURIComponent(scheme)}/cells/${encodeURIComponent(code)}`;

async function render(chosen, { map, onShown }) {
  const { scheme } = current();
  const at = chosen.at ?? current().at;
  const [cell, others] = await Promise.all([ask(path(scheme, chosen.code), { query: { at } }), elsewhere(chosen, scheme)]);
  const open = published(cell.attributes);
  const fly = () => flyToBox(map, cell.box);
  if (chosen.fly) onShown(fly);
  const areas = cell.areas.length ? h("span", { class: "links-row" }, cell.areas.map(areaButton)) : null;
  return [
    head(t("sheet.cell"), cell.name || cell.code, cell.code),
    actions(zoomButton(fly)),
    block(t("officers"), open.length ? facts(open) : null, ...officers(cell)),
    block(t("counts"), counts(cell)),
    block(t("gaps_here"), gaps(cell)),
    block(null, facts([[t("ground"), area(cell.area_m2)], ...details(cell.measures), [t("area_name"), areas], [t("in_force"), period(cell.valid_from, cell.valid_to)]])),
    others,
  ];
}

export const cellSheet = { kind: "cell", render };
