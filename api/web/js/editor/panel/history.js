// The steps in which the draft was drawn, the last first, with who took them and when.

import { number } from "../../core/format.js";
import { hasWord, t } from "../../core/i18n.js";
import { steps } from "../draft.js";
import { html } from "../view.js";

const SHOWN = 30;

const named = (command) => {
  const key = `edit.${command.replaceAll("-", "_")}`;
  return hasWord(key) ? t(key) : command;
};

function Step({ each }) {
  const what = each.action === "edit" ? named(each.command) : `${t(`edit.${each.action}`)}: ${named(each.command)}`;
  return html`<li><b>${what}</b><small>${each.created_by.replace(/^account /, "")} · ${each.created_at.slice(0, 16).replace("T", " ")} · ${each.codes.slice(0, 2).map((code) => code.slice(-6)).join(", ")}</small></li>`;
}

export function History() {
  const all = steps.value;
  if (all.length === 0) return null;
  return html`<section class="block"><h3 class="block-title">${t("editor.history", { n: number(all.length) })}</h3>
    <ol class="history">${all.slice(-SHOWN).reverse().map((each) => html`<${Step} each=${each} key=${each.id} />`)}</ol></section>`;
}
