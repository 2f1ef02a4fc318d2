// The kinds of gaps as the service describes them, the severities, and what a gap says.

import { ask } from "./api.js";
import { word } from "./i18n.js";
import { change, current } from "./state.js";

// From the worst to the least.
export const SEVERITY_COLOURS = { high: "#b3261e", medium: "#d9730d", low: "#c09a12" };

export const SEVERITIES = Object.keys(SEVERITY_COLOURS);

// Read the catalogue of kinds: their names in both languages, and how they are hatched.
export async function readGapKinds() {
  change({ gapKinds: (await ask("v1/gaps/kinds")).items });
}

const inLanguage = (text) => text[current().language];

// The name of a kind; a kind that the service no longer knows is called as its gaps are.
export function gapKindName(name) {
  const kind = current().gapKinds.find((each) => each.name === name);
  return kind === undefined ? name : inLanguage(kind.label);
}

export const severityName = (severity) => word("severity", severity);

// Which rule a gap breaks, and what is so there.
export const gapRule = (gap) => inLanguage(gap.rule_text);
export const gapDetail = (gap) => inLanguage(gap.detail_text);
