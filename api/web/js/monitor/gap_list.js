// The list of gaps: which run, which severities and kind, worst first; a click flies there and opens the sheet.

import { ask } from "../core/api.js";
import { byId, h, replace } from "../core/dom.js";
import { day, number } from "../core/format.js";
import { gapRow } from "../sheets/gap.js";
import { onLanguage, t, word } from "../core/i18n.js";
import { chooseGap, drawGaps } from "../map/entities.js";
import { change, current, listen } from "../core/state.js";
import { empty, failure, loading } from "../core/notifications.js";

const SEVERITIES = ["high", "medium", "low"];
const PAGE = 50;

let runs = [];
let filter = { severity: null, kind: null };
let listed = { items: [], next: null };

export const shownRun = () => runs.find((each) => each.id === current().run) ?? null;

// The run that fits the day shown: the latest up to it.
export const fitting = (at) => runs.find((each) => at === null || each.on <= at) ?? null;

const chosenGap = () => (current().chosen?.kind === "gap" ? current().chosen.id : null);

// How many gaps a run counts of a severity, or of all.
export function counted(run, severity = null) {
  const kinds = Object.values(run.summary?.kinds ?? {});
  const severities = severity === null ? SEVERITIES : [severity];
  return kinds.reduce((sum, each) => sum + severities.reduce((one, name) => one + (each[name] ?? 0), 0), 0);
}

const kindsOf = (run) => Object.entries(run.summary?.kinds ?? {}).filter(([, each]) => SEVERITIES.some((name) => each[name] > 0)).map(([kind]) => kind);

// Gaps are drawn once `drawn` has settled.
export function openGaps(map, drawn) {
  const box = byId("panel-gaps");
  const list = h("div", { id: "gap-list" });
  let asked = 0;

  const filters = (run) => {
    const choice = h("select", { class: "select", id: "gap-run", "aria-label": t("gaps_run"), onchange: (event) => change({ run: Number(event.target.value) }) }, runs.map((each) => h("option", { value: each.id }, day(each.on))));
    choice.value = String(run.id);
    const kind = h(
      "select",
      { class: "select", id: "gap-kind", "aria-label": t("gaps_kind"), onchange: (event) => refine({ kind: event.target.value || null }) },
      h("option", { value: "" }, t("gaps_all_kinds")),
      kindsOf(run).map((each) => h("option", { value: each }, word("gap", each))),
    );
    kind.value = filter.kind ?? "";
    const chips = SEVERITIES.map((each) =>
      h(
        "button",
        { class: "chip", type: "button", id: `severity-${each}`, "data-severity": each, "aria-pressed": String(filter.severity === each), onclick: () => refine({ severity: filter.severity === each ? null : each }) },
        h("i", { class: `dot dot-${each}` }),
        `${word("severity", each)} ${number(counted(run, each))}`,
      ),
    );
    return h("div", { class: "gap-filter" }, h("div", { class: "pair" }, choice, kind), h("div", { class: "chips" }, chips));
  };
  const rows = () => {
    const own = chosenGap();
    const more = listed.next === null ? null : h("button", { class: "button gap-more", type: "button", onclick: () => read(true) }, t("more"));
    if (listed.items.length === 0) replace(list, empty(t(filter.severity || filter.kind ? "gaps_none_filtered" : "gaps_none")));
    else replace(list, listed.items.map((each) => gapRow(each, each.id === own)), more);
  };
  const read = async (further) => {
    const run = shownRun();
    if (run === null) return;
    const mine = (asked += 1);
    const waiting = further ? 0 : setTimeout(() => replace(list, loading()), 200);
    try {
      const query = { scheme: current().scheme, run: run.id, geometry: false, limit: PAGE, ...filter, cursor: further ? listed.next : null };
      const answer = await ask("v1/gaps", { query });
      if (mine !== asked) return;
      const before = further ? listed.items : [];
      listed = { items: [...before, ...answer.items], next: answer.next };
      clearTimeout(waiting);
      rows();
      if (further) list.children[before.length]?.focus();
    } catch (error) {
      clearTimeout(waiting);
      if (mine === asked) replace(list, failure(error, () => read(further)));
    }
  };
  const refine = (changes) => {
    filter = { ...filter, ...changes };
    draw();
  };
  const draw = () => {
    const run = shownRun();
    byId("gaps-count").textContent = run === null ? "" : number(counted(run));
    if (run === null) {
      replace(box, empty(t(runs.length === 0 ? "gaps_no_run" : "gaps_no_run_yet")));
      return;
    }
    replace(box, filters(run), list);
    read(false);
  };
  const readRuns = async () => {
    const { scheme, at } = current();
    if (scheme === null) return draw();
    try {
      const found = (await ask("v1/gaps/runs", { query: { scheme } })).items;
      if (scheme !== current().scheme) return;
      runs = found.sort((a, b) => (a.on < b.on ? 1 : a.on > b.on ? -1 : b.id - a.id));
    } catch (error) {
      runs = [];
      return replace(box, failure(error, readRuns));
    }
    filter = { severity: null, kind: null };
    const run = fitting(at)?.id ?? null;
    return current().run === run ? show() : change({ run });
  };
  const show = () => {
    drawn.then(() => {
      const { scheme, run, hidden } = current();
      drawGaps(map, scheme, run, !hidden.has("gaps"));
      chooseGap(map, chosenGap());
    });
    draw();
  };
  listen(["scheme", "at"], readRuns);
  listen(["run"], show);
  listen(["chosen"], () => {
    const id = chosenGap();
    chooseGap(map, id);
    for (const row of list.querySelectorAll(".gap-row")) {
      if (Number(row.dataset.gap) === id) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  });
  onLanguage(draw);
  readRuns();
}
