// The tools, each with its key; one that cannot be used says why.

import { t } from "../../core/i18n.js";
import { notify } from "../../core/notifications.js";
import { depth, editable, plan, redo, undo } from "../draft.js";
import { hindrance, tool } from "../gesture.js";
import { begin, keyOf } from "../keys.js";
import { TOOLS } from "../tools/catalogue.js";
import { html, icon } from "../view.js";

const UNDO = "M7 4L3.500 7.500 7 11M3.500 7.500H12a4.500 4.500 0 0 1 0 9H8";
const REDO = "M13 4l3.500 3.500L13 11M16.500 7.500H8a4.500 4.500 0 0 0 0 9h4";

function ToolButton({ each }) {
  const why = hindrance(each);
  return html`<button type="button" aria-pressed=${String(tool.value === each)} aria-disabled=${String(why !== null)} data-tool=${each.key}
    title=${`${t(`edit.${each.key}`)} (${keyOf(each)})${why === null ? "" : ` – ${t(why)}`}`} onclick=${() => begin(each)}>
    ${icon(each.sign)}<span>${t(`edit.${each.key}`)}</span></button>`;
}

function StepButton({ word, sign, keys, count, step }) {
  return html`<button type="button" aria-disabled=${String(!editable.value || count === 0)} data-step=${word} title=${`${t(word)} (${keys})`}
    onclick=${() => (editable.value && count > 0 ? step() : notify(() => t("editor.nothing_to_step")))}>${icon(sign)}<span>${t(word)}</span></button>`;
}

export function Toolbar() {
  if (plan.value === null) return null;
  return html`<div class="toolbar" role="toolbar" aria-label=${t("tools")} aria-orientation="vertical">
    ${TOOLS.map((each) => html`<${ToolButton} each=${each} key=${each.key} />`)}
    <${StepButton} word="edit.undo" sign=${UNDO} keys="Ctrl Z" count=${depth.value.done} step=${undo} />
    <${StepButton} word="edit.redo" sign=${REDO} keys="Ctrl Y" count=${depth.value.undone} step=${redo} />
  </div>`;
}
