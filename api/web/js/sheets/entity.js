// The sheet of an entity: what it is, which cells it belongs to, and personal data for those who may see them.

import { ask } from "../core/api.js";
import { h, icon } from "../core/dom.js";
import { distance, number, period, place } from "../core/format.js";
import { t, word } from "../core/i18n.js";
import { pinAt } from "../map/pin.js";
import { schemeNames } from "./place.js";
import { block, covered, facts, head } from "./sheet.js";
import { change } from "../core/state.js";
import { sentence, toast } from "../core/notifications.js";

function personal(entity, session) {
  const pairs = Object.entries(entity.personal).map(([key, value]) => [word("personal", key), String(value)]);
  if (pairs.length === 0) return null;
  const section = block(t("personal"), facts(pairs));
  if (!session.rights.includes("reveal")) return section;
  const reveal = async () => {
    try {
      const plain = await ask(`v1/entities/${entity.id}`, { query: { reveal: true } });
      section.replaceWith(personal(plain, { ...session, rights: [] }));
    } catch (error) {
      toast(sentence(error));
    }
  };
  section.append(
    h("p", {}, h("button", { class: "link-button", type: "button", onclick: reveal }, t("reveal"))),
    h("p", { class: "note" }, t("reveal_note")),
  );
  return section;
}

const asWritten = (value) => value;
const amount = (value) => (Number.isFinite(Number(value)) ? number(Number(value)) : value);
const answer = (value) => ({ true: t("yes"), false: t("no") })[String(value).toLowerCase()] ?? value;

// How the attributes that have a name of ours are written, in the order in which they are told.
const ATTRIBUTES = {
  address: asWritten,
  building_id: asWritten,
  floor: asWritten,
  class: asWritten,
  group: asWritten,
  risk: asWritten,
  employees: amount,
  persons: amount,
  households: amount,
  enterprises: amount,
  capacity: amount,
  range_m: (value) => (Number.isFinite(Number(value)) ? distance(Number(value)) : value),
  status: (value) => word("status", value),
  synthetic: answer,
};

// A moment as people write it; any other value as it is.
function unknown(value) {
  const moment = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(:\d{2}(\.\d+)?)?$/.exec(value);
  return moment ? `${moment[1]} ${moment[2]}` : answer(value);
}

function attributes({ kind, attributes: held }) {
  const known = Object.keys(ATTRIBUTES).filter((key) => key in held);
  const others = Object.keys(held).filter((key) => !known.includes(key) && !(key === "kind" && held.kind === kind));
  const plain = [...known, ...others].filter((key) => held[key] !== null && held[key] !== "" && typeof held[key] !== "object");
  const told = (key) => [word("attribute", key), String((ATTRIBUTES[key] ?? unknown)(held[key]))];
  return plain.length ? block(t("attributes"), facts(plain.map(told))) : null;
}

function owner(each, names) {
  const scheme = names.find((one) => one.code === each.scheme)?.name ?? each.scheme;
  const when = period(each.valid_from, each.valid_to);
  if (each.cell_code === null) return h("div", { class: "owner" }, h("b", {}, word("reason", each.reason ?? "outside")), h("small", {}, scheme), h("span", { class: "figures" }, when));
  const open = () => change({ scheme: each.scheme, chosen: { kind: "cell", code: each.cell_code, fly: true } });
  return h("button", { class: "owner", type: "button", onclick: open }, h("b", {}, each.cell_code), h("small", {}, scheme), h("span", { class: "figures" }, when));
}

// A point that stands for the entity on the map.
function spotOf(geometry) {
  let found = geometry?.coordinates;
  while (Array.isArray(found?.[0])) [found] = found;
  return found ?? null;
}

export async function entitySheet({ id, fly }, { map, session, move }) {
  const [entity, owners, names] = await Promise.all([ask(`v1/entities/${id}`), ask(`v1/entities/${id}/owners`), schemeNames()]);
  const spot = spotOf(entity.geometry);
  const go = () => {
    const { right, bottom } = covered(map);
    map.easeTo({ center: spot, zoom: Math.max(map.getZoom(), 17), offset: [-right / 2, -bottom / 2] });
  };
  if (spot) move(() => pinAt(map, spot));
  if (fly && spot) move(go);
  const current = owners.items.filter((each) => each.valid_to === null);
  const former = owners.items.filter((each) => each.valid_to !== null && each.valid_to !== each.valid_from);
  return [
    head(word("kind", entity.kind), entity.name || entity.external_id, entity.name ? entity.external_id : null),
    spot ? h("div", { class: "sheet-actions" }, h("button", { class: "button", type: "button", onclick: go }, icon("place"), t("zoom_to"))) : null,
    block(null, facts([[t("class_name"), entity.class_name], [t("recorded"), period(entity.valid_from, entity.valid_to)], [t("coordinates"), spot ? place(spot[0], spot[1]) : t("gap_no_place")]])),
    current.length ? block(t("owners"), current.map((each) => owner(each, names))) : null,
    personal(entity, session),
    attributes(entity),
    former.length ? block(t("history"), former.map((each) => owner(each, names))) : null,
  ];
}
