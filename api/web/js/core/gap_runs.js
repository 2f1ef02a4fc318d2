// The runs of the search for gaps: which one is shown, how many gaps it counts, and which gap is chosen.

import { ask } from "./api.js";
import { today } from "./format.js";
import { SEVERITIES } from "./gap_kinds.js";
import { current } from "./state.js";

// The runs of a scheme, the latest first.
export async function runsOf(scheme) {
  const { items } = await ask("v1/gaps/runs", { query: { scheme } });
  return items.sort((a, b) => (a.on < b.on ? 1 : a.on > b.on ? -1 : b.id - a.id));
}

// The number of the gap whose sheet is open, or null.
export const chosenGap = () => (current().chosen?.kind === "gap" ? current().chosen.id : null);

export const shownRun = () => current().runs.find((each) => each.id === current().run) ?? null;

// The latest run up to a day, null for today: of all that the user may see, or of a part where there is none of all.
export function runUpTo(runs, day) {
  const earlier = runs.filter((each) => each.on <= (day ?? today()));
  return earlier.find((each) => each.whole) ?? earlier[0] ?? null;
}

// The kinds that a run did not look for.
export const notAnalysed = (run) => run.analysis.filter((each) => each.state !== "analysed");

// How many gaps a run counts of a severity, or of all.
export function countGaps(run, severity = null) {
  const kinds = Object.values(run.summary?.kinds ?? {});
  const severities = severity === null ? SEVERITIES : [severity];
  return kinds.reduce((sum, each) => sum + severities.reduce((part, name) => part + (each[name] ?? 0), 0), 0);
}

// The kinds of which a run has found any.
export const foundKinds = (run) =>
  Object.entries(run.summary?.kinds ?? {})
    .filter(([, each]) => SEVERITIES.some((name) => each[name] > 0))
    .map(([kind]) => kind);
