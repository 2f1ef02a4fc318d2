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
import { schemeOf, unitsOf } from "../map/cells.js";
import { outcomeList } from "../map/legend_rows.js";
import { gapRowOfCell } from "./gap_row.js";
import { locate, ownerRows } from "./owner_rows.js";
import { actions, areaButton, block, facts, head, listTile, revealButton, zoomButton } from "./parts.js";
import { levelList, person, personalFacts, published } from "./people.js";

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

// Names of officers and what is personal of the cell, in full for who may see them. They are asked for together by a
// button in either part, which is recorded; `show` of each part is called with the cell as it came.
function revealer(cell) {
  const parts = [];
  const reveal = async () => {
    try {
      const plain = await ask(path(cell.scheme, cell.code), { query: { at: cell.at, reveal: true } });
      for (const { more, show } of parts) {
        show(plain);
        more.remove();
      }
    } catch (error) {
      notify(() => errorMessage(error));
    }
  };
  return (show) => {
    const more = h("div", {}, ...revealButton(async (event) => {
      const part = event.target.closest(".sheet-block");
      await reveal();
      part.querySelector("[tabindex]")?.focus();
    }));
    parts.push({ more, show });
    return more;
  };
}

function officers(cell, revealing) {
  const ranks = (shown) => [rank("A", shown.officers), rank("B", shown.officers)];
  const box = h("div", { tabindex: "-1" }, ranks(cell));
  if (!may("reveal") || cell.officers.length === 0) return [box];
  return [box, revealing((plain) => replace(box, ranks(plain)))];
}

// Who answers above the cell: its group, community, street and district.
function above(cell, revealing) {
  const levels = (shown) => levelList(shown.responsible.slice(1));
  const held = cell.responsible.slice(1);
  if (held.every((each) => each.officers.length === 0)) return null;
  const box = h("div", { tabindex: "-1" }, levels(cell));
  return block(t("responsible_above"), box, may("reveal") ? revealing((plain) => replace(box, levels(plain))) : null);
}

function personal(cell, revealing) {
  if (Object.keys(cell.personal).length === 0) return null;
  const box = h("div", { tabindex: "-1", "data-part": "personal" }, facts(personalFacts(cell.personal)));
  return block(t("personal"), box, may("reveal") ? revealing((plain) => replace(box, facts(personalFacts(plain.personal)))) : null);
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

// The units of the cell, each a button that opens it, and the cells of which it is one.
function levels(cell) {
  const below = unitsOf(cell.scheme);
  const owners = (list) => ownerRows(list.map(({ scheme, ...each }) => ({ scheme, cell: each })), {});
  return [
    cell.units.length > 0 && below !== null ? block(t("cell_units", { n: number(cell.units.length) }), owners(cell.units.map((code) => ({ scheme: below, code })))) : null,
    cell.unit_of.length > 0 ? block(t("unit_of"), owners(cell.unit_of)) : null,
  ];
}

// The kind of the cell in the words of the scheme, as it is written where they lack it.
const kindName = ({ scheme, kind }) => schemeOf(scheme)?.labels.kinds?.[kind]?.[current().language] ?? kind;

const path = (scheme, code) => `v1/schemes/${encodeURIComponent(scheme)}/cells/${encodeURIComponent(code)}`;

async function render(chosen, { map, onShown }) {
  const { scheme } = current();
  const at = chosen.at ?? current().at;
  const [cell, others] = await Promise.all([ask(path(scheme, chosen.code), { query: { at } }), elsewhere(chosen, scheme)]);
  const open = published(cell.attributes);
  const revealing = revealer(cell);
  const fly = () => flyToBox(map, cell.box);
  if (chosen.fly) onShown(fly);
  const areas = cell.areas.length ? h("span", { class: "links-row" }, cell.areas.map(areaButton)) : null;
  return [
    head(t("sheet.cell"), cell.name || cell.code, cell.code),
    actions(zoomButton(fly)),
    block(t("officers"), ...officers(cell, revealing)),
    above(cell, revealing),
    open.length ? block(t("published"), facts(open)) : null,
    personal(cell, revealing),
    block(t("counts"), counts(cell)),
    block(t("gaps_here"), gaps(cell)),
    block(null, facts([[t("cell_kind"), kindName(cell)], [t("ground"), area(cell.area_m2)], ...details(cell.measures), [t("area_name"), areas], [t("in_force"), period(cell.valid_from, cell.valid_to)]])),
    ...levels(cell),
    others,
  ];
}

export const cellSheet = { kind: "cell", render };
