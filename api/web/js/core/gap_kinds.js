// What the page knows of the kinds of gaps and of their severities: names, colours, and what a gap says.

import { distance, number, percent } from "./format.js";
import { t, word } from "./i18n.js";
import { current } from "./state.js";
import { entityKindName } from "./entity_kinds.js";

// From the worst to the least.
export const SEVERITY_COLOURS = { high: "#b3261e", medium: "#d9730d", low: "#c09a12" };

export const SEVERITIES = Object.keys(SEVERITY_COLOURS);

export const gapKindName = (kind) => word("gap", kind);
export const severityName = (severity) => word("severity", severity);

// Chinese separates neither items nor sentences by spaces.
const separators = () => (current().language === "zh" ? { items: "、", sentences: "" } : { items: ", ", sentences: " " });

// What a gap of a kind says, from the figures that the analysis gives.
const SENTENCES = {
  blank: () => t("gap_says.blank"),
  overlap: ({ figures }) => t("gap_says.overlap", { cells: (figures.cells ?? []).join(separators().items) }),
  unassigned: ({ figures }) => t("gap_says.unassigned", { kind: entityKindName(figures.entity_kind), id: figures.entity_id, reason: word("reason", figures.reason) }),
  out_of_reach: ({ figures, households, enterprises }) =>
    [
      t("gap_says.out_of_reach", { distance: distance(figures.distance_m), share: percent(figures.ground_share ?? 0) }),
      figures.households_in_all === undefined
        ? null
        : t("gap_says.of_all", { a: number(households), b: number(figures.households_in_all), c: number(enterprises), d: number(figures.enterprises_in_all) }),
    ]
      .filter(Boolean)
      .join(separators().sentences),
};

// A gap of a kind that has no sentence here is described in the words of the analysis.
export function gapSentence(gap) {
  const say = SENTENCES[gap.kind];
  const hasFigures = gap.figures && Object.keys(gap.figures).length > 0;
  return say !== undefined && hasFigures ? say(gap) : [gap.rule, gap.detail].filter(Boolean).join(" — ");
}
