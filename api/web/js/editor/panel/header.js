// The bar of the open plan: its name and state, whether all is saved, and the next steps of its review.

import { signal } from "../../../vendor/signals/signals-core.mjs";
import { day, number, today } from "../../core/format.js";
import { t } from "../../core/i18n.js";
import { notify } from "../../core/notifications.js";
import { may } from "../../core/session.js";
import { check, closePlan, plan, publish, refusal, review, saving } from "../draft.js";
import { selection, setTool } from "../gesture.js";
import { findings } from "./findings.js";
import { openPlans } from "./panel.js";
import { Button, html } from "../view.js";

const busy = signal(false);
const comment = signal("");

async function act(work) {
  if (busy.peek()) return;
  busy.value = true;
  setTool(null);
  try {
    await work();
  } catch (error) {
    notify(() => refusal(error));
  } finally {
    busy.value = false;
  }
}

const examine = () =>
  act(async () => {
    const found = await check();
    findings.value = found;
    const faults = found.findings.length + found.rules.filter((each) => each.waiver === null).length;
    notify(() => (faults === 0 ? t("editor.valid") : t("editor.not_valid", { n: number(faults) })));
  });

const step = (name) => () =>
  act(async () => {
    await review(name, comment.peek() === "" ? undefined : { comment: comment.peek() });
    comment.value = "";
  });

const publication = (event) => {
  event.preventDefault();
  const on = event.target.elements.on.value;
  act(async () => {
    const done = await publish(on);
    notify(() => t("editor.published", { on, begun: number(done.begun), ended: number(done.ended) }));
  });
};

function Steps() {
  const { state, valid } = plan.value;
  const more = { busy: busy.value };
  const steps = [];
  if (["draft", "submitted", "approved"].includes(state) && may("draft")) steps.push(html`<${Button} word="editor.check" onclick=${examine} ...${more} />`);
  if (state === "draft" && may("draft")) steps.push(html`<${Button} word="editor.submit" main=${valid === true} disabled=${valid === true ? null : t("editor.check_first")} onclick=${step("submit")} ...${more} />`);
  if (state === "submitted" && may("publish")) steps.push(html`<${Button} word="editor.approve" main onclick=${step("approve")} ...${more} />`);
  if (["submitted", "approved"].includes(state) && may("publish")) {
    steps.push(html`<${Button} word="editor.reject" onclick=${step("reject")} ...${more} />`);
    steps.push(html`<form class="publication" onsubmit=${publication}><input name="on" type="date" required min="1900-01-01" defaultValue=${today()} aria-label=${t("editor.publish_on")} />
      <button class="button" type="submit">${t("editor.publish")}</button></form>`);
  }
  const comments = state !== "published" && state !== "superseded" && may("draft");
  if (comments) steps.unshift(html`<input class="comment" maxlength="1000" value=${comment.value} placeholder=${t("editor.comment")} aria-label=${t("editor.comment")} oninput=${({ target }) => { comment.value = target.value; }} />`);
  return steps;
}

export function Header() {
  if (plan.value === null) return html`<span class="plan-title">${t("editor.title")}</span>`;
  const { name, state, valid_from: from } = plan.value;
  const back = () => {
    setTool(null);
    selection.value = [];
    closePlan();
    openPlans().catch((error) => notify(() => refusal(error)));
  };
  return html`<${Button} word="editor.all_plans" onclick=${back} class="link-button" />
    <span class="plan-title"><b>${name}</b> <span class="chip" data-state=${state}>${t(`plan_state.${state}`)}${from ? ` · ${day(from)}` : ""}</span></span>
    <span class="saving" role="status" data-saving=${saving.value}>${state === "draft" ? t(`saving.${saving.value}`) : ""}</span>
    <span class="steps">${Steps()}</span>`;
}
