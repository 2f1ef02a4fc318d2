// The card of a tool: what to do, what the edit would change, and the buttons to take it or give it up.

import { entityKindPlural } from "../../core/entity_kinds.js";
import { area, number } from "../../core/format.js";
import { t } from "../../core/i18n.js";
import { current } from "../../core/state.js";
import { balance, valueOf } from "../balance.js";
import { editable, locked, setLock } from "../draft.js";
import { applicable, apply, cancel, chosen, drawn, hindrance, options, preview, setTool, tool, visible } from "../gesture.js";
import { Button, html } from "../view.js";

const SHOWN = 6;

const schemeName = (code) => current().schemes.find((each) => each.code === code)?.name ?? code;

function Field({ field }) {
  const value = options.value[field.name];
  const take = ({ target }) => {
    const next = field.type === "checkbox" ? target.checked : field.type === "number" ? (target.value === "" ? null : Number(target.value)) : target.value;
    options.value = { ...options.value, [field.name]: next };
  };
  if (field.type === "checkbox") return html`<label class="switch"><input type="checkbox" checked=${value} onchange=${take} /><span>${t(field.word)}</span></label>`;
  return html`<label class="field"><span>${t(field.word)}</span>
    <input name=${field.name} type=${field.type} min=${field.min} max=${field.max} value=${value ?? ""} oninput=${take} /></label>`;
}

function Change({ before, after, load }) {
  const show = (cell) => (cell === undefined ? "—" : load === "area_m2" ? area(cell.area_m2) : number(valueOf(cell, load)));
  return html`<tr><th scope="row">${(after ?? before).code.slice(-6)}</th><td>${show(before)}</td><td aria-hidden="true">→</td><td>${show(after)}</td></tr>`;
}

// Cells before and after, with the load that is looked at, and the entities that move.
function Effects({ answer }) {
  const load = balance.value.key;
  const codes = [...new Set([...answer.before, ...answer.after].map((cell) => cell.code))];
  const find = (list, code) => list.find((cell) => cell.code === code);
  const moved = new Map();
  for (const { kind, number: count } of answer.entities) moved.set(kind, (moved.get(kind) ?? 0) + count);
  return html`<table class="effects"><caption>${load === "area_m2" ? t("ground") : entityKindPlural(load)}</caption>
    <tbody>${codes.slice(0, SHOWN).map((code) => html`<${Change} key=${code} before=${find(answer.before, code)} after=${find(answer.after, code)} load=${load} />`)}</tbody></table>
    ${codes.length > SHOWN ? html`<p class="note">${t("editor.more", { n: number(codes.length - SHOWN) })}</p>` : null}
    ${answer.shared.length === 0 ? null : html`<p class="note">${t("editor.shared", { n: number(answer.shared.length), schemes: [...new Set(answer.shared.map((each) => schemeName(each.scheme)))].join(", ") })}</p>`}
    <p class="note" data-moved>${moved.size === 0 ? t("editor.nothing_moves") : [...moved].map(([kind, count]) => `${entityKindPlural(kind)}: ${number(count)}`).join(" · ")}</p>`;
}

function Outcome() {
  const seen = preview.value;
  if (seen === null) return null;
  if (seen.why) return html`<p class="problem" role="alert">${seen.why()}</p>`;
  if (seen.busy) return html`<p class="note" role="status">${t("loading")}</p>`;
  return html`<${Effects} answer=${visible.value} />`;
}

// Cells that are locked are not redrawn, whoever asks for it.
function LockButton() {
  const codes = chosen.value.map((cell) => cell.code);
  const free = codes.filter((code) => !locked.value.has(code));
  if (!editable.value) return null;
  return free.length > 0
    ? html`<${Button} word="editor.lock" onclick=${() => setLock(free, true)} data-lock />`
    : html`<${Button} word="editor.unlock" onclick=${() => setLock(codes, false)} data-lock />`;
}

function Choice() {
  const list = chosen.value;
  if (list.length === 0) return null;
  const [cell] = list;
  const counts = Object.entries(cell.counts).map(([kind, count]) => html`<dt>${entityKindPlural(kind)}</dt><dd>${number(count)}</dd>`);
  if (list.length > 1) return html`<h2>${t("editor.chosen", { n: number(list.length) })}</h2><p class="note">${list.map((each) => each.code.slice(-6)).join(", ")}</p>`;
  return html`<h2>${cell.name || cell.code}</h2><p class="note">${cell.code}</p>
    <dl class="facts"><dt>${t("ground")}</dt><dd>${area(cell.area_m2)}</dd>${counts}</dl>`;
}

export function Card() {
  const each = tool.value;
  if (each === null && chosen.value.length === 0) return null;
  if (each === null) return html`<section class="card" aria-label=${t("editor.choice")}><${Choice} />
    <div class="card-actions"><${LockButton} /><${Button} word="editor.unchoose" onclick=${cancel} /></div></section>`;
  const why = hindrance(each);
  const hint = why ?? (each.draws !== null && drawn.value === null ? `draw.${each.draws}` : null);
  return html`<section class="card" aria-label=${t(`edit.${each.key}`)}>
    <h2>${t(`edit.${each.key}`)}</h2>
    ${hint === null ? null : html`<p class="note">${t(hint)}</p>`}
    ${each.fields.map((field) => html`<${Field} field=${field} key=${field.name} />`)}
    <${Outcome} />
    <div class="card-actions">
      <${Button} word="editor.apply" main disabled=${applicable.value ? null : t("editor.not_ready")} onclick=${apply} data-apply />
      <${Button} word="editor.cancel" onclick=${() => (drawn.value === null ? setTool(null) : cancel())} />
    </div>
  </section>`;
}
