// The panel at the left: the plans, or of the open one how evenly its cells share out a load, what was found, and its steps.

import { signal } from "../../../vendor/signals/signals-core.mjs";
import { allItems } from "../../core/api.js";
import { day } from "../../core/format.js";
import { t } from "../../core/i18n.js";
import { notify } from "../../core/notifications.js";
import { may } from "../../core/session.js";
import { current } from "../../core/state.js";
import { loading, openPlan, plan, refusal } from "../draft.js";
import { html } from "../view.js";
import { BalancePanel } from "./balance_panel.js";
import { Documents } from "./documents.js";
import { Findings } from "./findings.js";
import { History } from "./history.js";
import { NewDraft } from "./new_draft.js";

const plans = signal([]);

// Read the plans, those that are worked on first.
export async function openPlans() {
  const ORDER = ["draft", "submitted", "approved", "published", "superseded", "withdrawn"];
  const all = await allItems("v1/plans", { limit: 1000 });
  all.sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || b.id - a.id);
  plans.value = all;
}

async function open(id) {
  try {
    await openPlan(id);
  } catch (error) {
    notify(() => refusal(error));
  }
}

const schemeName = (code) => current().schemes.find((each) => each.code === code)?.name ?? code;

function PlanRow({ each }) {
  return html`<li><button type="button" class="plan-row" data-plan=${each.id} onclick=${() => open(each.id)}>
    <b>${each.name}</b><span class="chip" data-state=${each.state}>${t(`plan_state.${each.state}`)}</span>
    <small>${schemeName(each.scheme)} · ${each.created_by.replace(/^account /, "")} · ${day(each.valid_from ?? each.created_at)}</small></button></li>`;
}

function Plans() {
  return html`${may("draft") && current().schemes.length > 0 ? html`<${NewDraft} />` : null}<section class="block"><h3 class="block-title">${t("editor.plans")}</h3>
    ${plans.value.length === 0 ? html`<p class="note">${t("editor.no_plans")}</p>` : html`<ul class="plan-list">${plans.value.map((each) => html`<${PlanRow} each=${each} key=${each.id} />`)}</ul>`}</section>`;
}

export function Panel({ map }) {
  if (loading.value) return html`<p class="state" role="status">${t("loading")}</p>`;
  if (plan.value === null) return html`<${Plans} />`;
  return html`<${BalancePanel} map=${map} /><${Findings} map=${map} /><${Documents} /><${History} />`;
}
