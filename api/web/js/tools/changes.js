// What has changed between the two days of the comparison: cells and gaps, counted, listed, and given to be marked.

import { ask } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { area, number } from "../core/format.js";
import { gapDetail, gapKindName, outcomeWords } from "../core/gap_kinds.js";
import { runUpTo } from "../core/gap_runs.js";
import { t } from "../core/i18n.js";
import { errorMessage } from "../core/notifications.js";
import { change, current } from "../core/state.js";
import { CHANGE_COLOURS } from "../map/change_marks.js";

const MOST = 500;
const SHOWN = 50;

const CELL_CHANGES = ["begun", "ended", "changed"];
const GAP_CHANGES = ["appeared", "gone", "lasting"];

// The cells of a later version that the map of that day does not have are looked at on the day that has them.
function openCell(cell, since, at) {
  change({ chosen: { kind: "cell", code: cell.code, fly: true, at: cell.change === "ended" ? since : at } });
}

function row(open, title, under) {
  return h("button", { class: "change-row", type: "button", onclick: open }, h("b", {}, title), h("small", {}, under.filter(Boolean).join(" · ")));
}

// The list of the cells of a day for which nobody answers.
const openVacant = (at) => change({ chosen: { kind: "list", list: "cells", query: { staffed: false, at }, title: t("cells_vacant"), under: t("stat_cells") } });

const cellRow = (cell, since, at) =>
  row(() => openCell(cell, since, at), cell.name || cell.code, [cell.code, [cell.area_m2_before, cell.area_m2].filter((each) => each !== null).map(area).join(" → ")]);

function gapRow(gap) {
  const was = gap.before && gap.before.area_m2 !== gap.area_m2 ? `${area(gap.before.area_m2)} → ${area(gap.area_m2)}` : null;
  return row(() => change({ chosen: { kind: "gap", id: gap.id, fly: true, record: gap } }), gapKindName(gap.kind), [gapDetail(gap), gap.area?.split(" / ").at(-1), was]);
}

// One kind of change: how many, and some of them.
function group(of, key, count, rows) {
  const mark = h("i", { class: `change-mark change-${of}` });
  mark.style.setProperty("--mark", CHANGE_COLOURS[key]);
  const summary = h("summary", {}, mark, h("span", {}, t(`change.${of}.${key}`)), h("b", {}, number(count)));
  const body = h("div", { class: "change-rows" });
  const details = h("details", { class: "change-group", "data-change": `${of}-${key}`, ontoggle: () => {
    if (!details.open || body.childElementCount > 0) return;
    const listed = rows();
    const rest = count - Math.min(listed.length, SHOWN);
    replace(body, listed.slice(0, SHOWN), rest > 0 ? h("p", { class: "note" }, t("change_more", { n: number(rest) })) : null);
  } }, summary, body);
  return details;
}

async function cellPart(since, at) {
  const found = await ask(`v1/schemes/${encodeURIComponent(current().scheme)}/changes`, { query: { since, at, limit: MOST } });
  const { begun, ended, changed, unstaffed, items } = found;
  const counts = { since, at, begun: number(begun), ended: number(ended), changed: number(changed) };
  const of = (key) => items.filter((each) => each.change === key);
  const groups = CELL_CHANGES.filter((key) => found[key] > 0).map((key) => group("cell", key, found[key], () => of(key).map((each) => cellRow(each, since, at))));
  return {
    shown: [
      h("p", { class: "figures", id: "compare-changes" }, t("compare_changes", counts)),
      groups,
      unstaffed > 0 ? h("p", { class: "note", id: "compare-unstaffed" }, h("button", { class: "link-button", type: "button", onclick: () => openVacant(at) }, t("compare_unstaffed", { n: number(unstaffed), at }))) : null,
    ],
    marked: items.map(({ change: key, box }) => ({ of: "cell", change: key, box })),
  };
}

const quiet = (text) => ({ shown: [h("p", { class: "note", id: "compare-gaps" }, text)], marked: [] });

// What the searches up to the two days found differently; or why nothing can be said of it.
async function gapPart(since, at) {
  const [old, recent] = [since, at].map((day) => runUpTo(current().runs, day));
  if (recent === null) return quiet(t("compare_gaps_none"));
  if (old === null) return quiet(t("compare_gaps_first", { on: recent.on, since }));
  if (old.id === recent.id) return quiet(t("compare_gaps_same", { on: old.on }));
  const found = await ask(`v1/gaps/runs/${recent.id}/diff`, { query: { against: old.id, limit: MOST } });
  const count = (key) => Object.values(found.summary).reduce((sum, each) => sum + each[key], 0);
  const groups = GAP_CHANGES.filter((key) => count(key) > 0).map((key) => group("gap", key, count(key), () => found[key].map(gapRow)));
  const unknown = found.not_compared.map((kind) => {
    const missing = [found.run, found.against].find(({ analysis }) => !analysis.some((each) => each.kind === kind && each.state === "analysed"));
    const outcome = missing?.analysis.find((each) => each.kind === kind) ?? { state: "not_analysed" };
    return h("p", { class: "note" }, t("compare_gaps_kind", { kind: gapKindName(kind), on: missing?.on ?? "", words: outcomeWords(outcome) }));
  });
  const counts = { since: found.against.on, at: found.run.on, appeared: number(count("appeared")), gone: number(count("gone")), lasting: number(count("lasting")) };
  return {
    shown: [
      h("p", { class: "figures", id: "compare-gaps" }, t("compare_gaps", counts)),
      groups,
      found.rules_changed ? h("p", { class: "note" }, t("compare_gaps_rules")) : null,
      unknown,
    ],
    marked: GAP_CHANGES.flatMap((key) => found[key].filter((each) => each.box).map(({ box }) => ({ of: "gap", change: key, box }))),
  };
}

// The lists of what has changed between two days in any order; `mark` is given what the map marks, once it is known.
export function changeLists(first, second, mark) {
  const [since, at] = [first, second].sort();
  const parts = [cellPart, gapPart].map((read) => {
    const box = h("div", { class: "change-part" }, h("p", { class: "figures" }, "…"));
    const marked = read(since, at).then(
      (part) => {
        replace(box, part.shown);
        return part.marked;
      },
      (error) => {
        replace(box, h("p", { class: "figures" }, errorMessage(error)));
        return [];
      },
    );
    return { box, marked };
  });
  Promise.all(parts.map((each) => each.marked)).then((marked) => mark(marked.flat()));
  return parts.map((each) => each.box);
}
