// The card in which a tool says what it needs and what it finds; one tool at a time is on.

import { byId, h, icon, replace } from "./dom.js";
import { onLanguage, t } from "./i18n.js";

let running = null;

// Add a tool's button. `start` turns it on and returns what turns it off; without one it is done at once.
export function addTool(key, sign, start) {
  const button = h("button", { type: "button", id: `tool-${key}`, "data-t-label": key, "data-t-title": key, "aria-label": t(key), title: t(key) }, icon(sign));
  button.addEventListener("click", () => {
    if (running?.key === key) endTool();
    else begin(key, button, start);
  });
  byId("tools").append(button);
  return { begin: () => begin(key, button, start) };
}

function begin(key, button, start) {
  endTool();
  const stop = start();
  if (typeof stop !== "function") return;
  running = { key, button, stop };
  button.setAttribute("aria-pressed", "true");
  document.body.dataset.tool = key;
}

export function endTool() {
  if (running === null) return;
  const { button, stop } = running;
  running = null;
  delete document.body.dataset.tool;
  button.removeAttribute("aria-pressed");
  byId("tool-card").hidden = true;
  stop();
}

export function showCard(title, ...children) {
  const card = byId("tool-card");
  const close = h("button", { class: "icon-button", type: "button", "aria-label": t("close"), onclick: () => {
    const button = running?.button;
    endTool();
    button?.focus();
  } }, icon("close"));
  replace(card, h("h2", {}, title, close), ...children);
  card.hidden = false;
}

export function segments(choices, chosen, pick) {
  return h("div", { class: "segments" }, choices.map(([value, text]) => h("button", { type: "button", "aria-pressed": String(value === chosen), onclick: () => pick(value) }, text)));
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && running !== null && !event.defaultPrevented) endTool();
});
onLanguage(() => {
  if (running === null) return;
  const { button, key } = running;
  endTool();
  button.click();
  if (running?.key !== key) button.removeAttribute("aria-pressed");
});
