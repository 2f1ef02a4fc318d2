// The keys of the page: listed by a button, and by the question mark.

import { h } from "../core/dom.js";
import { t } from "../core/i18n.js";
import { current } from "../core/state.js";
import { addTool, endTool, showCard } from "./tool_card.js";

const KEY = "keys";
const KEYS = [["/", "keys_search"], ["Esc", "keys_close"], ["← ↑ → ↓", "keys_move"], ["+ −", "keys_zoom"], ["Enter", "keys_centre"], ["Tab", "keys_next"], ["?", "keys_this"]];

export function openKeys() {
  const drawCard = () => showCard(t(KEY), h("dl", { class: "keys" }, KEYS.flatMap(([key, word]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, t(word))])));
  const turnOn = addTool({
    key: KEY,
    sign: "keys",
    start: () => {
      drawCard();
      return { drawCard, end: () => {} };
    },
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "")) return;
    event.preventDefault();
    if (current().tool?.key === KEY) endTool();
    else turnOn();
  });
}
