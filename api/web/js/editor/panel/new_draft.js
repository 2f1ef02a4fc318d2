// A new draft: a copy of the plan in force, or a division by a method, which a job computes.

import { signal } from "../../../vendor/signals/signals-core.mjs";
import { ask } from "../../core/api.js";
import { percent } from "../../core/format.js";
import { t } from "../../core/i18n.js";
import { notify } from "../../core/notifications.js";
import { current } from "../../core/state.js";
import { finished, openPlan, refusal } from "../draft.js";
import { Button, html } from "../view.js";

// Each method has the fields of its form, and the body of its request.
const METHODS = {
  copy: { fields: [] },
  square: {
    fields: [{ name: "size_m", word: "divide.size", value: 200, min: 1, max: 100_000 }],
    body: ({ size_m }) => ({ size_m }),
  },
  blocks: {
    fields: [{ name: "target_area", word: "divide.target_area", value: 4, min: 0.01, max: 100_000, step: "any" }],
    body: ({ target_area }) => ({ target_area_m2: target_area * 1e4 }),
  },
  balanced: {
    fields: [
      { name: "column", word: "divide.column", value: "households", type: "text" },
      { name: "tolerance", word: "editor.tolerance", value: 10, min: 0, max: 100 },
      { name: "zones", word: "divide.zones", value: 100, min: 1, max: 1_000_000 },
    ],
    body: ({ column, tolerance, zones }) => ({ weights: [{ column, tolerance: tolerance / 100 }], zones }),
  },
  rebalance: {
    fields: [
      { name: "column", word: "divide.column", value: "households", type: "text" },
      { name: "tolerance", word: "editor.tolerance", value: 10, min: 0, max: 100 },
      { name: "budget", word: "divide.budget", value: 10, min: 0, max: 100 },
    ],
    body: ({ column, tolerance, budget }) => ({ weights: [{ column, tolerance: tolerance / 100 }], budget: budget / 100 }),
  },
};

const method = signal("copy");
const job = signal(null); // of the division under way
const busy = signal(false);

// The method's own part of the request, from the fields of the form.
function ownPart({ fields, body }, elements) {
  const values = fields.map(({ name, type }) => [name, type === "text" ? elements[name].value : Number(elements[name].value)]);
  return body(Object.fromEntries(values));
}

async function divide(common, own) {
  const asked = await ask("v1/divisions", { method: "POST", key: crypto.randomUUID(), body: { ...common, ...own, method: method.peek() } });
  job.value = asked;
  try {
    const result = await finished(asked, (known) => {
      job.value = known;
    });
    for (const note of (result.notes ?? []).slice(0, 1)) notify(() => note);
    return result.plan;
  } finally {
    job.value = null;
  }
}

async function create(event) {
  event.preventDefault();
  const { elements } = event.target;
  const common = { scheme: elements.scheme.value, name: elements.name.value };
  busy.value = true;
  try {
    const chosen = METHODS[method.peek()];
    const copied = () => ask("v1/plans", { method: "POST", key: crypto.randomUUID(), body: { ...common, from_plan: "in force" } });
    await openPlan(method.peek() === "copy" ? (await copied()).id : await divide(common, ownPart(chosen, elements)));
  } catch (error) {
    notify(() => refusal(error));
  } finally {
    busy.value = false;
  }
}

function Progress() {
  const { id, done, total } = job.value;
  const stop = () => ask(`v1/jobs/${id}/cancel`, { method: "POST" }).catch((error) => notify(() => refusal(error)));
  return html`<div class="job" role="status"><progress max=${total ?? 1} value=${total ? done : null}></progress>
    <span>${total ? percent(done / total) : t("loading")}</span><${Button} word="editor.cancel" onclick=${stop} /></div>`;
}

function MethodField({ field }) {
  const { name, word, value, type = "number", ...more } = field;
  return html`<label class="field"><span>${t(word)}</span><input name=${name} type=${type} required defaultValue=${value} ...${more} /></label>`;
}

export function NewDraft() {
  return html`<form class="block new-plan" onsubmit=${create}>
    <h3 class="block-title">${t("editor.new")}</h3>
    <label class="field"><span>${t("scheme")}</span><select name="scheme" class="select">${current().schemes.map((each) => html`<option value=${each.code}>${each.name}</option>`)}</select></label>
    <label class="field"><span>${t("editor.name")}</span><input name="name" required maxlength="200" /></label>
    <label class="field"><span>${t("divide.method")}</span><select name="method" class="select" onchange=${({ target }) => { method.value = target.value; }}>
      ${Object.keys(METHODS).map((key) => html`<option value=${key} selected=${key === method.value}>${t(`divide.${key}`)}</option>`)}</select></label>
    ${METHODS[method.value].fields.map((field) => html`<${MethodField} field=${field} key=${`${method.value}.${field.name}`} />`)}
    ${job.value === null ? html`<button class="button button-main" type="submit" disabled=${busy.value}>${t(method.value === "copy" ? "editor.copy_in_force" : "divide.start")}</button>` : html`<${Progress} />`}</form>`;
}
