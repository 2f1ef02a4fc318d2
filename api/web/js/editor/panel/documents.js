// What leaves the page on paper or as a table: the filing notice, the handover sheets, the backtest.

import { address } from "../../core/api.js";
import { today } from "../../core/format.js";
import { t } from "../../core/i18n.js";
import { current } from "../../core/state.js";
import { plan } from "../draft.js";
import { html } from "../view.js";

const FORMS = [["editor.notice", "notice", ["pdf", "xlsx"]], ["editor.handover", "handover", ["pdf"]], ["editor.backtest", "backtest", ["xlsx"]]];

export function Documents() {
  const { id, valid_from: from } = plan.value;
  const query = (name) => ({ lang: current().language, on: name === "backtest" || from !== null ? null : today() });
  const link = (name, form) => html`<a href=${address(`v1/plans/${id}/${name}.${form}`, query(name))} target="_blank" rel="noopener">${form.toUpperCase()}</a>`;
  return html`<section class="block documents"><h3 class="block-title">${t("editor.documents")}</h3>
    <ul>${FORMS.map(([word, name, forms]) => html`<li key=${name}><span>${t(word)}</span>${forms.map((form) => link(name, form))}</li>`)}</ul></section>`;
}
