// What a gap says, in the language of the page, from the figures that the analysis gives.

import { distance, number } from "./format.js";
import { currentLanguage, locale, t, word } from "./i18n.js";

const percent = (share) => new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 0 }).format(share);

const SENTENCES = {
  blank: () => t("gap_says.blank"),
  overlap: ({ figures }) => t("gap_says.overlap", { cells: (figures.cells ?? []).join(currentLanguage() === "zh" ? "、" : ", ") }),
  unassigned: ({ figures }) => t("gap_says.unassigned", { kind: word("kind", figures.entity_kind), id: figures.entity_id, reason: word("reason", figures.reason) }),
  out_of_reach: ({ figures, households, enterprises }) =>
    [
      t("gap_says.out_of_reach", { distance: distance(figures.distance_m), share: percent(figures.ground_share ?? 0) }),
      figures.households_in_all === undefined
        ? null
        : t("gap_says.of_all", { a: number(households), b: number(figures.households_in_all), c: number(enterprises), d: number(figures.enterprises_in_all) }),
    ]
      .filter(Boolean)
      .join(currentLanguage() === "zh" ? "" : " "),
};

// Kinds whose figures this page does not know yet are told in the words of the analysis.
export function gapSentence(gap) {
  const say = SENTENCES[gap.kind];
  const told = say !== undefined && gap.figures && Object.keys(gap.figures).length > 0;
  return told ? say(gap) : [gap.rule, gap.detail].filter(Boolean).join(" — ");
}
