// People on sheets: their names, as far as they are shown, and their phones, which can be called where they are plain.

import { h } from "../core/dom.js";
import { t, word } from "../core/i18n.js";
import { change, current } from "../core/state.js";

// A phone: a link that calls where the whole number is shown, otherwise what is left of it.
function phone(number) {
  if (!number) return null;
  const dialled = String(number).replace(/[^\d+]/g, "");
  if (dialled.length < 3 || String(number).includes("*")) return h("span", { class: "phone figures" }, number);
  return h("a", { class: "phone figures", href: `tel:${dialled}`, "aria-label": t("call", { number }) }, number);
}

const PUBLISHED = /^(published_|公示|公开)/i;
const PHONES = /phone|mobile|tel|电话|手机/i;

// What is known of a person or post, as names and values; phones can be called.
export const personalFacts = (values) => Object.entries(values).map(([key, value]) => [word("personal", key), PHONES.test(key) ? phone(String(value)) : String(value)]);

// What attributes publish, which everybody may see.
export const published = (attributes) => personalFacts(Object.fromEntries(Object.entries(attributes).filter(([key]) => PUBLISHED.test(key)).map(([key, value]) => [key.replace(PUBLISHED, ""), value])));

// One person: name or number, duty, whether away or acting, phone; the name opens the sheet of the officer.
export function person({ officer_id: id, external_id: code, name, duty, phone: number, absent, acting }) {
  const open = () => change({ chosen: { kind: "officer", id, back: current().chosen } });
  return [
    h("button", { class: "link-button person", type: "button", onclick: open }, name ?? code),
    h("small", {}, [duty ? word("duty", duty) : null, absent ? t("absent") : null, acting ? t("acting") : null, name ? code : null].filter(Boolean).join(" · ")),
    phone(number),
  ];
}

// Who answers at each level of a place, from the lowest upwards.
export function levelList(levels) {
  const people = ({ officers, vacant }) => [...officers.map((each) => h("li", {}, person(each))), vacant ? h("li", { class: "vacant" }, t("not_staffed")) : null];
  return h("dl", { class: "facts", "data-part": "responsible" }, levels.flatMap((each) => [
    h("dt", {}, `${word("level", each.level)} ${each.name}`),
    h("dd", {}, h("ul", { class: "people", "data-level": each.level }, people(each))),
  ]));
}
