// The card in which a tool says what it needs and what it finds; one tool at a time is on.

import { byId, h, icon, replace } from "../core/dom.js";
import { onLanguage, t } from "../core/i18n.js";
import { fold } from "../monitor/panel.js";

let running = null;

// Add a tool's button. `start` turns it on and returns { tell, end }: what fills its card anew, in another language, and
// what turns it off; without these it is done at once.
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
  const begun = start();
  if (begun === undefined) return;
  running = { key, button, ...begun };
  fold(true);
  button.setAttribute("aria-pressed", "true");
  document.body.dataset.tool = key;
}

export function endTool() {
  if (running === null) return;
  const { button, end } = running;
  const card = byId("tool-card");
  running = null;
  delete document.body.dataset.tool;
  button.removeAttribute("aria-pressed");
  if (card.contains(document.activeElement)) button.focus();
  card.hidden = true;
  end();
}

export function showCard(title, ...children) {
  const card = byId("tool-card");
  const close = h("button", { class: "icon-button", type: "button", "aria-label": t("close"), title: t("close"), onclick: endTool }, icon("close"));
  replace(card, h("h2", {}, title, close), ...children);
  card.hidden = false;
}

export function segments(choices, chosen, pick) {
  return h("div", { class: "segments" }, choices.map(([value, text]) => h("button", { type: "button", id: `segment-${value}`, "aria-pressed": String(value === chosen), onclick: () => pick(value) }, text)));
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || running === null || event.defaultPrevented) return;
  // One key ends one thing: a sheet that is open stays.
  event.preventDefault();
  endTool();
});
onLanguage(() => running?.tell());
