// The sheet of an officer: name and phone as far as they may be seen, and the cells that the officer answers for.

import { ask } from "../core/api.js";
import { h } from "../core/dom.js";
import { period } from "../core/format.js";
import { t, word } from "../core/i18n.js";
import { errorMessage, notify } from "../core/notifications.js";
import { may } from "../core/session.js";
import { change, current } from "../core/state.js";
import { schemeName } from "./owner_rows.js";
import { areaButton, block, facts, head, revealButton } from "./parts.js";
import { personalFacts, published } from "./people.js";

function personal(officer, revealable) {
  const pairs = personalFacts(officer.personal);
  const section = block(t("personal"), facts(pairs));
  if (!revealable || pairs.length === 0) return pairs.length === 0 ? null : section;
  const reveal = async () => {
    try {
      section.replaceWith(personal(await ask(`v1/officers/${officer.id}`, { query: { reveal: true } }), false));
    } catch (error) {
      notify(() => errorMessage(error));
    }
  };
  const [button, note] = revealButton(reveal);
  section.append(h("p", {}, button), note);
  return section;
}

// What a post is called: its scheme, duty and rank.
const title = ({ scheme, duty, rank }) => [scheme === null ? null : schemeName(scheme), `${word("duty", duty)} ${rank}`].filter(Boolean).join(" · ");

function post(held) {
  const { level, scheme, cell_code: code, area_code: area, group, entity_id: entity, valid_from: from, valid_to: to } = held;
  const told = (place) => h("div", { class: "owner" }, h("b", {}, place), h("small", {}, title(held)), h("span", { class: "figures" }, period(from, to)));
  const place = code ?? area ?? group ?? entity;
  // A place outside the user's area is not named.
  if (place === null) return told(t("reason.forbidden"));
  if (level === "group") return told(`${word("level", "group")} ${place}`);
  const chosen = { cell: { kind: "cell", code }, area: { kind: "area", code: area }, entity: { kind: "entity", id: entity } }[level];
  const open = () => change({ ...(level === "cell" ? { scheme } : {}), chosen: { ...chosen, fly: true, back: current().chosen } });
  return h("button", { class: "owner", type: "button", onclick: open }, h("b", {}, level === "entity" ? `${word("level", "entity")} ${place}` : place), h("small", {}, title(held)), h("span", { class: "figures" }, period(from, to)));
}

async function render({ id }) {
  const [officer, posts] = await Promise.all([ask(`v1/officers/${id}`), ask(`v1/officers/${id}/posts`)]);
  const area = officer.area_code === null ? null : await ask(`v1/areas/${encodeURIComponent(officer.area_code)}`).catch(() => null);
  const open = published(officer.attributes);
  const held = posts.items.filter((each) => each.valid_to === null);
  const former = posts.items.filter((each) => each.valid_to !== null && each.valid_to !== each.valid_from);
  return [
    head(t("sheet.officer"), officer.personal.name ?? officer.external_id, officer.external_id),
    open.length ? block(t("published"), facts(open)) : null,
    personal(officer, may("reveal")),
    block(t("posts_held"), held.length ? held.map(post) : h("p", { class: "quiet" }, t("posts_none"))),
    block(null, facts([[t("area_name"), area === null ? officer.area_code : areaButton(area)], [t("duty"), word("duty", officer.attributes.duty ?? "") || null], [t("recorded"), period(officer.valid_from, officer.valid_to)]])),
    former.length ? block(t("posts_former"), former.map(post)) : null,
  ];
}

export const officerSheet = { kind: "officer", render };
