// What the last check of the draft found, each with a button that shows the cells.

import { effect, signal } from "../../../vendor/signals/signals-core.mjs";
import { t, word } from "../../core/i18n.js";
import { cells, plan } from "../draft.js";
import { flyTo } from "../draft_map.js";
import { selection } from "../gesture.js";
import { html } from "../view.js";

export const findings = signal(null); // as the service answers them; null before a check

let checked = null;
effect(() => {
  // What was found of another version says nothing of this one.
  const now = plan.value === null ? null : `${plan.value.id} ${plan.value.checked_at}`;
  if (now !== checked) findings.value = plan.peek()?.checked_at ? findings.peek() : null;
  checked = now;
});

export function Findings({ map }) {
  const found = findings.value;
  if (found === null) return null;
  const open = (codes) => {
    selection.value = codes;
    flyTo(map, codes.map((code) => cells.peek().get(code)));
  };
  // A row has a sentence and the cells that it concerns, as far as the draft has them.
  const row = (text, codes) => ({ text, codes: codes.filter((code) => cells.value.has(code)) });
  const rows = [
    ...found.hindrances.map((text) => row(text, [])),
    ...found.findings.map((each) => row(`${word("finding", each.kind)} ${each.codes}`, each.codes.split(","))),
    ...found.rules.map((each) => row(each.waiver === null ? each.detail : `${each.detail} (${t("draft_waived")})`, [each.code])),
  ];
  if (rows.length === 0) return html`<p class="note">${t("editor.valid")}</p>`;
  return html`<section class="block"><h3 class="block-title">${t("editor.findings")}</h3><ul class="findings">
    ${rows.slice(0, 100).map(({ text, codes }, at) => html`<li key=${at}>${codes.length > 0 ? html`<button type="button" class="link-button" onclick=${() => open(codes)}>${text}</button>` : text}</li>`)}
  </ul></section>`;
}
