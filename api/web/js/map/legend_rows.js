// What legends show on the panel and on paper: the colours of cells, and what is known of the gaps.

import { h } from "../core/dom.js";
import { number } from "../core/format.js";
import { gapKindName, outcomeWords } from "../core/gap_kinds.js";
import { t } from "../core/i18n.js";
import { formatMeasure } from "../core/measures.js";
import { NEIGHBOURS } from "./palette.js";

function swatch(colour) {
  const element = h("i");
  element.style.setProperty("--mark", colour);
  return element;
}

// The values of a class; a single one where both ends are written alike.
function range(key, ends) {
  const [a, b] = ends.map((value) => formatMeasure(key, value));
  return a === b ? a : t("class_range", { a, b });
}

// `open`, where the rows can be clicked, opens the list of the cells of a class: of its place and of its values in words.
export function classRows(classes, open = null) {
  return classes.ranges.map((ends, at) => {
    const words = range(classes.key, ends);
    const count = classes.counts?.[at];
    const parts = [swatch(classes.colours[at]), h("span", {}, words), h("span", {}, classes.counts ? t("class_count", { n: number(count) }) : "")];
    if (open === null || !count) return h("div", { class: "class-row" }, parts);
    return h("button", { class: "class-row", type: "button", onclick: () => open(at, words) }, parts);
  });
}

// What is known of each kind: a list, so that no kind that nobody has looked for passes for one without gaps.
export const outcomeList = (outcomes) =>
  h("ul", { class: "outcomes" }, outcomes.map((each) => h("li", { "data-outcome": each.kind, "data-state": each.state }, h("span", {}, gapKindName(each.kind)), h("b", {}, outcomeWords(each)))));

export const neighbourStrip = () => h("div", { class: "strip" }, NEIGHBOURS.map(swatch));
