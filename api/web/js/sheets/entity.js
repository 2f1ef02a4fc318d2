// The sheet of an entity: what it is, which cells it belongs to, and personal data for those who may see them.

import { ask } from "../core/api.js";
import { h } from "../core/dom.js";
import { entityKindName } from "../core/entity_kinds.js";
import { distance, number, period, place } from "../core/format.js";
import { t, word } from "../core/i18n.js";
import { errorMessage, notify } from "../core/notifications.js";
import { may } from "../core/session.js";
import { flyToPlace } from "../map/camera.js";
import { pinAt } from "../map/pin.js";
import { schemeName } from "./owner_rows.js";
import { actions, block, facts, head, openCell, revealButton, zoomButton } from "./parts.js";

function personal(entity, revealable) {
  const pairs = Object.entries(entity.personal).map(([key, value]) => [word("personal", key), String(value)]);
  if (pairs.length === 0) return null;
  const section = block(t("personal"), facts(pairs));
  if (!revealable) return section;
  const reveal = async () => {
    try {
      section.replaceWith(personal(await ask(`v1/entities/${entity.id}`, { query: { reveal: true } }), false));
    } catch (error) {
      notify(() => errorMessage(error));
    }
  };
  const [button, note] = revealButton(reveal);
  section.append(h("p", {}, button), note);
  return section;
}

const asIs = (value) => value;
const amount = (value) => (Number.isFinite(Number(value)) ? number(Number(value)) : value);
const yesOrNo = (value) => ({ true: t("yes"), false: t("no") })[String(value).toLowerCase()] ?? value;

// How the attributes that the page has words for are written, in the order in which they are listed.
const ATTRIBUTES = {
  address: asIs,
  building_id: asIs,
  floor: asIs,
  class: asIs,
  group: asIs,
  risk: asIs,
  employees: amount,
  persons: amount,
  households: amount,
  enterprises: amount,
  capacity: amount,
  range_m: (value) => (Number.isFinite(Number(value)) ? distance(Number(value)) : value),
  status: (value) => word("status", value),
  synthetic: yesOrNo,
};

// The value of any other attribute: a time in a readable form, anything else as it is.
function otherAttribute(value) {
  const moment = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(:\d{2}(\.\d+)?)?$/.exec(value);
  return moment ? `${moment[1]} ${moment[2]}` : yesOrNo(value);
}

function attributes({ kind, attributes: values }) {
  const known = Object.keys(ATTRIBUTES).filter((key) => key in values);
  const others = Object.keys(values).filter((key) => !known.includes(key) && !(key === "kind" && values.kind === kind));
  const plain = [...known, ...others].filter((key) => values[key] !== null && values[key] !== "" && typeof values[key] !== "object");
  const fact = (key) => [word("attribute", key), String((ATTRIBUTES[key] ?? otherAttribute)(values[key]))];
  return plain.length ? block(t("attributes"), facts(plain.map(fact))) : null;
}

function owner({ scheme, cell_code: code, reason, valid_from: from, valid_to: to }) {
  const when = h("span", { class: "figures" }, period(from, to));
  const under = h("small", {}, schemeName(scheme));
  if (code === null) return h("div", { class: "owner" }, h("b", {}, word("reason", reason ?? "outside")), under, when);
  return h("button", { class: "owner", type: "button", onclick: () => openCell(code, { scheme }) }, h("b", {}, code), under, when);
}

// The first vertex of a geometry, which stands for the entity on the map.
function firstVertex(geometry) {
  let found = geometry?.coordinates;
  while (Array.isArray(found?.[0])) [found] = found;
  return found ?? null;
}

async function render({ id, fly }, { map, onShown }) {
  const [entity, owners] = await Promise.all([ask(`v1/entities/${id}`), ask(`v1/entities/${id}/owners`)]);
  const spot = firstVertex(entity.geometry);
  const zoom = () => flyToPlace(map, spot);
  if (spot) onShown(() => pinAt(map, spot));
  if (fly && spot) onShown(zoom);
  const current = owners.items.filter((each) => each.valid_to === null);
  const former = owners.items.filter((each) => each.valid_to !== null && each.valid_to !== each.valid_from);
  return [
    head(entityKindName(entity.kind), entity.name || entity.external_id, entity.name ? entity.external_id : null),
    spot ? actions(zoomButton(zoom)) : null,
    block(null, facts([[t("class_name"), entity.class_name], [t("recorded"), period(entity.valid_from, entity.valid_to)], [t("coordinates"), spot ? place(spot[0], spot[1]) : t("gap_no_place")]])),
    current.length ? block(t("owners"), current.map(owner)) : null,
    personal(entity, may("reveal")),
    attributes(entity),
    former.length ? block(t("history"), former.map(owner)) : null,
  ];
}

export const entitySheet = { kind: "entity", render };
