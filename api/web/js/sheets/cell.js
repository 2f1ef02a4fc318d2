// The sheet of a cell: size, what lies in it, who answers for it, its gaps, and the place in other schemes.

import { ask } from "../core/api.js";
import { h, icon, replace } from "../core/dom.js";
import { area, distance, number, period } from "../core/format.js";
import { affected, flyToBox, openGap } from "./gap.js";
import { known, t, word } from "../core/i18n.js";
import { locate, named, ownerRows, schemeNames } from "./place.js";
import { block, facts, head } from "./sheet.js";
import { current } from "../core/state.js";
import { sentence, toast } from "../core/notifications.js";

const COUNTED = ["household", "enterprise", "sensor", "component", "service_point"];
const DUTIES = ["leader", "officer", "inspector", "assistant"];
const SHOWN = 4;

function counts(cell) {
  const kinds = [...COUNTED, ...Object.keys(cell.counts).filter((kind) => !COUNTED.includes(kind))];
  return h("div", { class: "tiles" }, kinds.map((kind) => h("div", { class: "tile", "data-count": kind }, h("b", {}, number(cell.counts[kind] ?? 0)), h("span", {}, known(`layer.${kind}`) ? t(`layer.${kind}`) : word("kind", kind)))));
}

// Whoever may not see names sees how they are masked; that a post is filled is no secret.
const person = (officer) => officer.personal?.name ?? officer.external_id;

function rank(letter, posts) {
  const own = posts.filter((each) => each.rank === letter).sort((a, b) => DUTIES.indexOf(a.duty) - DUTIES.indexOf(b.duty));
  const rows = own.map((each) => h("li", { tabindex: "-1" }, h("span", {}, person(each)), h("small", {}, word("duty", each.duty))));
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

// Both ranks; who may see names asks for them, which is recorded.
function answerable(cell, session) {
  const box = h("div", { tabindex: "-1" }, rank("A", cell.officers), rank("B", cell.officers));
  if (!session.rights.includes("reveal") || cell.officers.length === 0) return [box];
  const more = h("div", {}, h("button", { class: "link-button", type: "button", onclick: reveal }, t("reveal")), h("p", { class: "note" }, t("reveal_note")));
  async function reveal() {
    try {
      const plain = await ask(path(cell.scheme, cell.code), { query: { at: cell.at, reveal: true } });
      replace(box, rank("A", plain.officers), rank("B", plain.officers));
      more.remove();
      box.focus();
    } catch (error) {
      toast(sentence(error));
    }
  }
  return [box, more];
}

function gapButton(gap) {
  return h(
    "button",
    { class: "gap-row", type: "button", onclick: () => openGap(gap) },
    h("i", { class: `dot dot-${gap.severity}` }),
    h("b", {}, word("gap", gap.kind)),
    h("span", {}, word("severity", gap.severity)),
    h("small", {}, affected(gap).join(" · ")),
  );
}

// Where the click was; else nothing is asked of the other schemes, for a cell may lie in several of theirs.
async function elsewhere({ lon, lat }, scheme) {
  if (lon === undefined) return null;
  const [found, names] = await Promise.all([locate(lon, lat, current().at), schemeNames()]);
  const others = named(found.owners, names).filter((each) => each.scheme !== scheme);
  return others.length ? block(t("other_schemes"), ownerRows(others, { lon, lat })) : null;
}

const path = (scheme, code) => `v1/schemes/${encodeURIComponent(scheme)}/cells/${encodeURIComponent(code)}`;

export async function cellSheet(chosen, { map, session, move }) {
  const { scheme, at } = current();
  const [cell, others] = await Promise.all([ask(path(scheme, chosen.code), { query: { at } }), elsewhere(chosen, scheme)]);
  const go = () => flyToBox(map, cell.box);
  if (chosen.fly) move(go);
  const areas = cell.areas.map((each) => each.name ?? each.code).join(" · ");
  return [
    head(t("sheet.cell"), cell.name || cell.code, cell.code),
    h("div", { class: "sheet-actions" }, h("button", { class: "button", type: "button", onclick: go }, icon("place"), t("zoom_to"))),
    block(t("officers"), ...answerable(cell, session)),
    block(t("counts"), counts(cell)),
    block(t("gaps_here"), cell.gaps.length ? cell.gaps.map(gapButton) : h("p", { class: "quiet" }, t("no_gaps_here"))),
    block(null, facts([[t("ground"), area(cell.area_m2)], [t("perimeter"), distance(cell.perimeter_m)], [t("area_name"), areas], [t("in_force"), period(cell.valid_from, cell.valid_to)]])),
    others,
  ];
}
