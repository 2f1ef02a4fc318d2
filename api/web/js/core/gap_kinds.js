// The kinds of gaps as the service describes them, the severities, and what a gap says.

import { ask } from "./api.js";
import { number } from "./format.js";
import { t, word } from "./i18n.js";
import { change, current } from "./state.js";

// From the worst to the least.
export const SEVERITIES = ["high", "medium", "low"];

// Read the catalogue of kinds, with their names in both languages and how they are hatched, and the colours of severities.
export async function readGapKinds() {
  const { items, severities } = await ask("v1/gaps/kinds");
  for (const { name, colour } of severities) document.documentElement.style.setProperty(`--severity-${name}`, colour);
  change({ gapKinds: items, severityColours: Object.fromEntries(severities.map(({ name, colour }) => [name, colour])) });
}

const inLanguage = (text) => text[current().language];

// The name of a kind; a kind that the service no longer knows is called as its gaps are.
export function gapKindName(name) {
  const kind = current().gapKinds.find((each) => each.name === name);
  return kind === undefined ? name : inLanguage(kind.label);
}

// What is known of the gaps of a kind: how many, none, skipped and why, or that nobody has looked.
export function outcomeWords({ state, gaps, reason }) {
  if (state === "analysed") return gaps > 0 ? number(gaps) : t("gaps_state.none");
  return state === "skipped" ? t("gaps_state.skipped", { reason: inLanguage(reason) }) : t("gaps_state.not_analysed");
}

export const severityName = (severity) => word("severity", severity);

// Which rule a gap breaks, and what is so there.
export const gapRule = (gap) => inLanguage(gap.rule_text);
export const gapDetail = (gap) => inLanguage(gap.detail_text);
