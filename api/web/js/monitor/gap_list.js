// The list of gaps: of which run, of which severity and kind, the worst first.

import { ask } from "../core/api.js";
import { byId, h, replace } from "../core/dom.js";
import { day, number } from "../core/format.js";
import { gapKindName, SEVERITIES, severityName } from "../core/gap_kinds.js";
import { chosenGap, countGaps, foundKinds, notAnalysed, runsOf, runUpTo, shownRun } from "../core/gap_runs.js";
import { t } from "../core/i18n.js";
import { exportLinks } from "../core/lists.js";
import { empty, failure, loading } from "../core/notifications.js";
import { change, current, listen } from "../core/state.js";
import { outcomeList } from "../map/legend_rows.js";
import { gapRow } from "../sheets/gap_row.js";

const PAGE = 50;
const ANY = { severity: null, kind: null };

// By what gaps can be put together, and by which parameter the list of one group is asked for.
const GROUPINGS = { community: "area", street: "area", officer: "officer", kind: "kind" };

// A run with more gaps is grouped until the user chooses otherwise.
const MOST_UNGROUPED = 60;

export function openGapList() {
  const box = byId("panel-gaps");
  const list = h("div", { id: "gap-list" });
  let filter = ANY;
  let grouping; // a key of GROUPINGS, null for none; undefined until the user has chosen
  let listed = { items: [], next: null };
  let requests = 0;

  const filters = (run) => {
    const choice = h("select", { class: "select", id: "gap-run", "aria-label": t("gaps_run"), onchange: (event) => change({ run: Number(event.target.value) }) }, current().runs.map((each) => h("option", { value: each.id }, [day(each.on), each.whole ? null : each.area_code].filter(Boolean).join(" · "))));
    choice.value = String(run.id);
    const kind = h(
      "select",
      { class: "select", id: "gap-kind", "aria-label": t("gaps_kind"), onchange: (event) => refine({ kind: event.target.value || null }) },
      h("option", { value: "" }, t("gaps_all_kinds")),
      foundKinds(run).map((each) => h("option", { value: each }, gapKindName(each))),
    );
    kind.value = filter.kind ?? "";
    const group = h(
      "select",
      { class: "select", id: "gap-group", "aria-label": t("gaps_group"), onchange: (event) => regroup(event.target.value || null) },
      h("option", { value: "" }, t("gaps_group.none")),
      Object.keys(GROUPINGS).map((each) => h("option", { value: each }, t(`gaps_group.${each}`))),
    );
    group.value = groupingOf(run) ?? "";
    const chips = SEVERITIES.map((each) =>
      h(
        "button",
        { class: "chip", type: "button", id: `severity-${each}`, "data-severity": each, "aria-pressed": String(filter.severity === each), onclick: () => refine({ severity: filter.severity === each ? null : each }) },
        h("i", { class: `dot dot-${each}` }),
        `${severityName(each)} ${number(countGaps(run, each))}`,
      ),
    );
    const missing = notAnalysed(run);
    return h(
      "div",
      { class: "gap-filter" },
      h("div", { class: "pair" }, choice, kind),
      group,
      h("div", { class: "chips" }, chips),
      missing.length > 0 ? outcomeList(missing) : null,
      run.whole ? null : h("p", { class: "note" }, t("gaps_part", { area: run.area_code })),
      exportLinks("gaps", { run: run.id, ...filter }),
    );
  };
  const rows = () => {
    const chosen = chosenGap();
    const more = listed.next === null ? null : h("button", { class: "button gap-more", type: "button", onclick: () => read(true) }, t("more"));
    if (listed.items.length === 0) replace(list, empty(t(filter.severity || filter.kind ? "gaps_none_filtered" : "gaps_none")));
    else replace(list, listed.items.map((each) => gapRow(each, each.id === chosen)), more);
  };
  const groupingOf = (run) => (grouping !== undefined ? grouping : countGaps(run) > MOST_UNGROUPED ? "community" : null);
  // The rows of one group, read when it is opened.
  const openGroup = async (body, query) => {
    replace(body, loading());
    try {
      const { items, next } = await ask("v1/gaps", { query });
      const more = h("button", { class: "button gap-more", type: "button", onclick: async () => {
        more.remove();
        const rest = h("div");
        body.append(rest);
        await openGroup(rest, { ...query, cursor: next });
      } }, t("more"));
      replace(body, items.map((each) => gapRow(each, each.id === chosenGap())), next === null ? null : more);
    } catch (error) {
      replace(body, failure(error, () => openGroup(body, query)));
    }
  };
  const groupRow = (run, by, group) => {
    const body = h("div");
    const query = { scheme: current().scheme, run: run.id, at: current().at, geometry: false, limit: PAGE, ...filter, [GROUPINGS[by]]: group.key };
    const name = by === "kind" ? gapKindName(group.key) : (group.name ?? group.key ?? t(`gaps_group.no_${by === "officer" ? "officer" : "area"}`));
    const under = [by === "officer" ? group.key : group.detail, by === "kind" ? null : Object.entries(group.kinds).map(([kind, n]) => `${gapKindName(kind)} ${number(n)}`).join(" · ")].filter(Boolean);
    const marks = SEVERITIES.filter((each) => group[each] > 0).map((each) => h("span", { class: "gap-count", title: severityName(each) }, h("i", { class: `dot dot-${each}` }), number(group[each])));
    // What is in no area, or has nobody, cannot be asked for by a code.
    if (group.key === null) return h("div", { class: "gap-group" }, h("div", { class: "gap-group-head" }, h("b", {}, name), h("span", {}, marks), h("small", {}, under.join(" · "))));
    const details = h("details", { class: "gap-group", "data-group": group.key, ontoggle: () => {
      if (details.open && body.childElementCount === 0) openGroup(body, query);
    } }, h("summary", { class: "gap-group-head" }, h("b", {}, name), h("span", {}, marks), h("small", {}, under.join(" · "))), body);
    return details;
  };
  const readGroups = async (run, by) => {
    const request = (requests += 1);
    try {
      const { items } = await ask("v1/gaps/groups", { query: { by, scheme: current().scheme, run: run.id, at: current().at, ...filter } });
      if (request !== requests) return;
      replace(list, items.length === 0 ? empty(t(filter.severity || filter.kind ? "gaps_none_filtered" : "gaps_none")) : items.map((each) => groupRow(run, by, each)));
    } catch (error) {
      if (request === requests) replace(list, failure(error, () => readGroups(run, by)));
    }
  };
  // Read the first gaps, or the next ones.
  const read = async (further) => {
    const run = shownRun();
    if (run === null) return;
    const by = groupingOf(run);
    if (by !== null) {
      await readGroups(run, by);
      return;
    }
    const request = (requests += 1);
    const showLoading = () => {
      if (request === requests) replace(list, loading());
    };
    const waiting = further ? 0 : setTimeout(showLoading, 200);
    try {
      const query = { scheme: current().scheme, run: run.id, at: current().at, geometry: false, limit: PAGE, ...filter, cursor: further ? listed.next : null };
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
  const regroup = (chosen) => {
    grouping = chosen;
    draw();
  };
  const refine = (changes) => {
    filter = { ...filter, ...changes };
    draw();
  };
  const draw = () => {
    const run = shownRun();
    byId("gaps-count").textContent = run === null ? "—" : number(countGaps(run));
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
