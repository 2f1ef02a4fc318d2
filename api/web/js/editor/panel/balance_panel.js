// How evenly the cells share out a load: figures, and a bar for each cell, the worst first; a bar opens its cell.

import { signal } from "../../../vendor/signals/signals-core.mjs";
import { entityKindPlural } from "../../core/entity_kinds.js";
import { area, number, percent } from "../../core/format.js";
import { t } from "../../core/i18n.js";
import { balance, classOf, load, loads, tolerance } from "../balance.js";
import { CLASS_COLOURS, flyTo } from "../draft_map.js";
import { choose, selection } from "../gesture.js";
import { html } from "../view.js";

const PAGE = 50;
const shown = signal(PAGE);

const loadName = (key) => (key === "area_m2" ? t("ground") : entityKindPlural(key));
const written = (key, value) => (key === "area_m2" ? area(value) : number(value));
const signed = (share) => `${share > 0 ? "+" : ""}${percent(share)}`;

function Bar({ row, most, loadKey, map }) {
  const { cell, value, deviation } = row;
  const open = (event) => {
    choose(cell.code, event.shiftKey || event.ctrlKey || event.metaKey);
    flyTo(map, [cell]);
  };
  const width = `${(100 * value) / most}%`;
  return html`<li><button type="button" class="bar-row" data-cell=${cell.code} aria-pressed=${String(selection.value.includes(cell.code))} onclick=${open}>
    <span>${cell.code.slice(-6)}</span><span class="bar"><i style=${{ width, background: CLASS_COLOURS[classOf(deviation)] }}></i></span>
    <b>${written(loadKey, value)}</b><small data-out=${String(Math.abs(deviation) > tolerance.value)}>${signed(deviation)}</small></button></li>`;
}

export function BalancePanel({ map }) {
  const { key, ideal, out, compactness, rows } = balance.value;
  const most = Math.max(1, ...rows.map((row) => row.value));
  const kept = rows.slice(0, shown.value);
  return html`<section class="block balance">
    <div class="pair">
      <label class="field"><span>${t("editor.load")}</span><select class="select" name="load" value=${key} onchange=${({ target }) => { load.value = target.value; }}>
        ${loads.value.map((each) => html`<option value=${each} selected=${each === key}>${loadName(each)}</option>`)}</select></label>
      <label class="field"><span>${t("editor.tolerance")}</span><input type="number" min="0" max="1000" step="1" value=${Math.round(tolerance.value * 100)} onchange=${({ target }) => { tolerance.value = Math.max(0, Number(target.value)) / 100; }} /></label>
    </div>
    <dl class="facts"><dt>${t("stat_cells")}</dt><dd data-figure="cells">${number(rows.length)}</dd><dt>${t("editor.ideal")}</dt><dd>${written(key, ideal)}</dd>
      <dt>${t("editor.out")}</dt><dd data-figure="out">${number(out)}</dd><dt>${t("editor.compactness")}</dt><dd>${compactness === null ? "—" : compactness.toFixed(2)}</dd></dl>
    <ul class="bars" aria-label=${t("editor.cells_worst_first")}>${kept.map((row) => html`<${Bar} key=${row.cell.code} row=${row} most=${most} loadKey=${key} map=${map} />`)}</ul>
    ${rows.length > kept.length ? html`<button type="button" class="link-button" onclick=${() => { shown.value += PAGE; }}>${t("editor.more", { n: number(rows.length - kept.length) })}</button>` : null}
  </section>`;
}
