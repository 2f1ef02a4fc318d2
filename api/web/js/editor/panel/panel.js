// The panel at the left: the plans, or of the open one how evenly its cells share out a load, what was found, and its steps.

import { signal } from "../../../vendor/signals/signals-core.mjs";
import { allItems, ask } from "../../core/api.js";
import { day } from "../../core/format.js";
import { t } from "../../core/i18n.js";
import { notify } from "../../core/notifications.js";
import { may } from "../../core/session.js";
import { current } from "../../core/state.js";
import { loading, openPlan, plan, refusal } from "../draft.js";
import { Button, html } from "../view.js";
import { BalancePanel } from "./balance_panel.js";
import { Findings } from "./findings.js";
import { History } from "./history.js";

const plans = signal([]);
const busy = signal(false);

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

// Make a draft with the cells in force, or with those of a plan.
async function create(event) {
  event.preventDefault();
  const { scheme, name } = event.target.elements;
  busy.value = true;
  try {
    const made = await ask("v1/plans", { method: "POST", key: crypto.randomUUID(), body: { scheme: scheme.value, name: name.value, from_plan: "in force" } });
    await openPlan(made.id);
  } catch (error) {
    notify(() => refusal(error));
  } finally {
    busy.value = false;
  }
}

const schemeName = (code) => current().schemes.find((each) => each.code === code)?.name ?? code;

function PlanRow({ each }) {
  return html`<li><button type="button" class="plan-row" data-plan=${each.id} onclick=${() => open(each.id)}>
    <b>${each.name}</b><span class="chip" data-state=${each.state}>${t(`plan_state.${each.state}`)}</span>
    <small>${schemeName(each.scheme)} · ${each.created_by.replace(/^account /, "")} · ${day(each.valid_from ?? each.created_at)}</small></button></li>`;
}

function Plans() {
  const form = may("draft") && current().schemes.length > 0 ? html`<form class="block new-plan" onsubmit=${create}>
    <h3 class="block-title">${t("editor.new")}</h3>
    <label class="field"><span>${t("scheme")}</span><select name="scheme" class="select">${current().schemes.map((each) => html`<option value=${each.code}>${each.name}</option>`)}</select></label>
    <label class="field"><span>${t("editor.name")}</span><input name="name" required maxlength="200" /></label>
    <button class="button button-main" type="submit" disabled=${busy.value}>${t("editor.copy_in_force")}</button></form>` : null;
  return html`${form}<section class="block"><h3 class="block-title">${t("editor.plans")}</h3>
    ${plans.value.length === 0 ? html`<p class="note">${t("editor.no_plans")}</p>` : html`<ul class="plan-list">${plans.value.map((each) => html`<${PlanRow} each=${each} key=${each.id} />`)}</ul>`}</section>`;
}

export function Panel({ map }) {
  if (loading.value) return html`<p class="state" role="status">${t("loading")}</p>`;
  if (plan.value === null) return html`<${Plans} />`;
  return html`<${BalancePanel} map=${map} /><${Findings} map=${map} /><${History} />`;
}
