// The parts that sheets are built from.

import { h, icon } from "../core/dom.js";
import { t } from "../core/i18n.js";
import { change, current } from "../core/state.js";

// Back to the list or sheet from which this one was opened.
function backButton() {
  const back = current().chosen?.back;
  if (!back) return null;
  return h("button", { class: "link-button sheet-back", type: "button", onclick: () => change({ chosen: { ...back, fly: false } }) }, icon("back"), t("back"));
}

export function head(kind, title, under) {
  return h(
    "header",
    { class: "sheet-head" },
    backButton(),
    h("p", { class: "kind" }, kind),
    h("h2", { tabindex: "-1" }, title),
    under ? h("p", { class: "under" }, under) : null,
    h("button", { class: "icon-button", type: "button", "aria-label": t("close"), title: t("close"), onclick: () => change({ chosen: null }) }, icon("close")),
  );
}

export const block = (title, ...children) => h("section", { class: "sheet-block" }, title ? h("h3", {}, title) : null, ...children);

// Names and values: facts([["Code", "001"], …]); those without a value are left out.
export function facts(pairs) {
  const kept = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, kept.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

export const tile = (value, name, attributes = {}) => h("div", { class: "tile", ...attributes }, h("b", {}, value), h("span", {}, name));

// A figure that opens the list of what it counts: { list, query, title, under }. Nothing opens no list.
export function listTile(value, name, list, attributes = {}) {
  if (value === "0") return tile(value, name, attributes);
  const open = () => change({ chosen: { kind: "list", ...list, back: current().chosen } });
  return h("button", { class: "tile tile-list", type: "button", ...attributes, onclick: open }, h("b", {}, value), h("span", {}, name));
}

// The name of an area, which opens its sheet.
export function areaButton({ code, name }) {
  return h("button", { class: "link-button", type: "button", onclick: () => change({ chosen: { kind: "area", code, fly: true, back: current().chosen } }) }, name ?? code);
}

export const actions = (...children) => h("div", { class: "sheet-actions" }, ...children);

export const zoomButton = (onclick) => h("button", { class: "button", type: "button", onclick }, icon("place"), t("zoom_to"));

// The button by which personal data are shown in full, and what it says of the audit.
export function revealButton(onclick) {
  return [h("button", { class: "link-button", type: "button", onclick }, t("reveal")), h("p", { class: "note" }, t("reveal_note"))];
}

// Open the sheet of a cell and fly to it.
export const openCell = (code, more = {}) => change({ ...more, chosen: { kind: "cell", code, fly: true } });
