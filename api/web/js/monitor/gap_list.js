// The list of gaps: of which run, of which severity and kind, the worst first.

import { ask } from "../core/api.js";
import { byId, h, replace } from "../core/dom.js";
import { day, number } from "../core/format.js";
import { gapKindName, SEVERITIES, severityName } from "../core/gap_kinds.js";
import { chosenGap, countGaps, foundKinds, runsOf, runUpTo, shownRun } from "../core/gap_runs.js";
import { t } from "../core/i18n.js";
import { exportLinks } from "../core/lists.js";
import { empty, failure, loading } from "../core/notifications.js";
import { change, current, listen } from "../core/state.js";
import { gapRow } from "../sheets/gap_row.js";

const PAGE = 50;
const ANY = { severity: null, kind: null };

export function openGapList() {
  const box = byId("panel-gaps");
  const list = h("div", { id: "gap-list" });
  let filter = ANY;
  let listed = { items: [], next: null };
  let requests = 0;

  const filters = (run) => {
    const choice = h("select", { class: "select", id: "gap-run", "aria-label": t("gaps_run"), onchange: (event) => change({ run: Number(event.target.value) }) }, current().runs.map((each) => h("option", { value: each.id }, day(each.on))));
    choice.value = String(run.id);
    const kind = h(
      "select",
      { class: "select", id: "gap-kind", "aria-label": t("gaps_kind"), onchange: (event) => refine({ kind: event.target.value || null }) },
      h("option", { value: "" }, t("gaps_all_kinds")),
      foundKinds(run).map((each) => h("option", { value: each }, gapKindName(each))),
    );
    kind.value = filter.kind ?? "";
    const chips = SEVERITIES.map((each) =>
      h(
        "button",
        { class: "chip", type: "button", id: `severity-${each}`, "data-severity": each, "aria-pressed": String(filter.severity === each), onclick: () => refine({ severity: filter.severity === each ? null : each }) },
        h("i", { class: `dot dot-${each}` }),
        `${severityName(each)} ${number(countGaps(run, each))}`,
      ),
    );
    return h("div", { class: "gap-filter" }, h("div", { class: "pair" }, choice, kind), h("div", { class: "chips" }, chips), exportLinks("gaps", { run: run.id, ...filter }));
  };
  const rows = () => {
    const chosen = chosenGap();
    const more = listed.next === null ? null : h("button", { class: "button gap-more", type: "button", onclick: () => read(true) }, t("more"));
    if (listed.items.length === 0) replace(list, empty(t(filter.severity || filter.kind ? "gaps_none_filtered" : "gaps_none")));
    else replace(list, listed.items.map((each) => gapRow(each, each.id === chosen)), more);
  };
  // Read the first gaps, or the next ones.
  const read = async (further) => {
    const run = shownRun();
    if (run === null) return;
    const request = (requests += 1);
    const showLoading = () => {
      if (request === requests) replace(list, loading());
    };
    const waiting = further ? 0 : setTimeout(showLoading, 200);
    try {
      const query = { scheme: current().scheme, run: run.id, geometry: false, limit: PAGE, ...filter, cursor: further ? listed.next : null };
      const answer = await ask("v1/gaps", { query });
      if (request !== requests) return;
      const before = further ? listed.items : [];
      listed = { items: [...before, ...answer.items], next: answer.next };
      clearTimeout(waiting);
      rows();
      if (further) list.children[before.length]?.focus();
    } catch (error) {
      clearTimeout(waiting);
      if (request === requests) replace(list, failure(error, () => read(further)));
    }
  };
  const refine = (changes) => {
    filter = { ...filter, ...changes };
    draw();
  };
  const draw = () => {
    const run = shownRun();
    byId("gaps-count").textContent = run === null ? "" : number(countGaps(run));
    if (run === null) {
      replace(box, empty(t(current().runs.length === 0 ? "gaps_no_run" : "gaps_no_run_yet")));
      return;
    }
    replace(box, filters(run), list);
    read(false);
  };
  const readRuns = async () => {
    const { scheme, at } = current();
    if (scheme === null) return draw();
    let runs;
    try {
      runs = await runsOf(scheme);
    } catch (error) {
      change({ runs: [], run: null });
      return replace(box, failure(error, readRuns));
    }
    if (scheme !== current().scheme) return undefined;
    filter = ANY;
    return change({ runs, run: runUpTo(runs, at)?.id ?? null });
  };
  listen(["scheme", "at"], readRuns);
  listen(["runs", "run", "language"], draw);
  listen(["chosen"], () => {
    const id = chosenGap();
    for (const row of list.querySelectorAll(".gap-row")) {
      if (Number(row.dataset.gap) === id) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  });
  readRuns();
}
