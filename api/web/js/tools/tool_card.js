// The tools of the map: their buttons, and the card in which the one that is on says what it needs and what it finds.

import { byId, h, icon, replace } from "../core/dom.js";
import { t } from "../core/i18n.js";
import { change, current, listen } from "../core/state.js";

// The tool that is on, as `addTool` takes it, with its button and what its `start` returned.
let running = null;

// Add a tool: { key, sign: the icon of its button, takesClicks: whether clicks on the map are meant for it, start }.
// `start` turns it on and returns { drawCard, end }, where `drawCard` fills its card, also in another language, and `end`
// turns it off; a tool that is done at once returns nothing. Returns what turns the tool on.
export function addTool(tool) {
  const { key, sign } = tool;
  const short = `${key}_short`;
  const button = h("button", { type: "button", id: `tool-${key}`, "data-t-label": key, "data-t-title": key, "aria-label": t(key), title: t(key) }, icon(sign), h("span", { "data-t": short, "aria-hidden": "true" }, t(short)));
  const start = () => startTool(tool, button);
  button.addEventListener("click", () => {
    if (current().tool?.key === key) endTool();
    else start();
  });
  byId("tools").append(button);
  return start;
}

function startTool({ key, takesClicks = false, start }, button) {
  endTool();
  const started = start();
  if (started === undefined) return;
  running = { button, ...started };
  button.setAttribute("aria-pressed", "true");
  change({ tool: { key, takesClicks }, folded: true });
}

export function endTool() {
  if (running === null) return;
  const { button, end } = running;
  const card = byId("tool-card");
  running = null;
  change({ tool: null });
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

export function segments(options, chosen, pick) {
  return h("div", { class: "segments" }, options.map(([value, text]) => h("button", { type: "button", id: `segment-${value}`, "aria-pressed": String(value === chosen), onclick: () => pick(value) }, text)));
}

export function openToolCard() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || running === null || event.defaultPrevented) return;
    // One key ends one thing: a sheet that is open stays.
    event.preventDefault();
    endTool();
  });
  listen(["language"], () => running?.drawCard());
}
