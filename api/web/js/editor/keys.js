// The keys of the planner's page: one for each tool, and those that every page has.

import { h, byId } from "../core/dom.js";
import { t } from "../core/i18n.js";
import { redo, undo } from "./draft.js";
import { applicable, apply, cancel, hindrance, setTool, tool } from "./gesture.js";
import { notify } from "../core/notifications.js";
import { TOOLS } from "./tools/catalogue.js";

const OTHERS = [["Enter", "editor.key_apply"], ["Esc", "editor.key_cancel"], ["Ctrl Z", "edit.undo"], ["Ctrl Y", "edit.redo"], ["?", "keys_this"]];

export const keyOf = (each) => each.shortcut.toUpperCase();

// Begin with a tool, or say why it cannot be used.
export function begin(each) {
  if (tool.peek() === each) {
    setTool(null);
    return;
  }
  const why = hindrance(each);
  if (why === null) setTool(each.key);
  else notify(() => t(why));
}

function showKeys() {
  const dialog = byId("dialog");
  const rows = [...TOOLS.map((each) => [keyOf(each), `edit.${each.key}`]), ...OTHERS];
  dialog.replaceChildren(
    h("h2", {}, t("keys")),
    h("dl", { class: "keys" }, rows.flatMap(([key, word]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, t(word))])),
    h("form", { method: "dialog" }, h("button", { class: "button" }, t("close"))),
  );
  dialog.showModal();
}

const typing = () => /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");

// Whether the button that has the focus is one that Enter presses while a tool waits to be applied.
const ownsEnter = () => document.activeElement?.closest("button, a")?.closest("#edit-card, #toolbar, #bar") != null;

export function openKeys() {
  document.addEventListener("keydown", (event) => {
    if (byId("dialog").open) return;
    const key = event.key.toLowerCase();
    const command = event.ctrlKey || event.metaKey;
    let act = null;
    if (command && key === "z" && !typing()) act = event.shiftKey ? redo : undo;
    else if (command && key === "y" && !typing()) act = redo;
    else if (event.key === "Escape") act = cancel;
    else if (event.key === "Enter" && !command && applicable.peek() && !ownsEnter()) act = apply;
    else if (!command && !event.altKey && !typing()) {
      if (event.key === "?") act = showKeys;
      const each = TOOLS.find(({ shortcut }) => shortcut === key);
      if (each) act = () => begin(each);
    }
    if (act === null) return;
    event.preventDefault();
    act();
  });
}
