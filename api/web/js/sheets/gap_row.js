// A gap as a row of a list, which a click opens.

import { h } from "../core/dom.js";
import { area, number } from "../core/format.js";
import { gapKindName, severityName } from "../core/gap_kinds.js";
import { t } from "../core/i18n.js";
import { change } from "../core/state.js";

// What a gap affects, in words.
function affected(gap) {
  return [
    gap.area_m2 > 0 ? area(gap.area_m2) : null,
    gap.households > 0 ? t("gap_households", { n: number(gap.households) }) : null,
    gap.enterprises > 0 ? t("gap_enterprises", { n: number(gap.enterprises) }) : null,
  ].filter(Boolean).join(" · ");
}

function row(gap, attributes, ...under) {
  return h(
    "button",
    { class: "gap-row", type: "button", ...attributes, onclick: () => change({ chosen: { kind: "gap", id: gap.id, fly: true, record: gap } }) },
    h("i", { class: `dot dot-${gap.severity}` }),
    h("b", {}, gapKindName(gap.kind)),
    h("span", {}, severityName(gap.severity)),
    h("small", {}, ...under),
  );
}

// A row of the list of all gaps, with the cell.
export function gapRow(gap, chosen) {
  const attributes = { "aria-current": chosen ? "true" : null, "data-gap": gap.id };
  return row(gap, attributes, h("span", {}, affected(gap)), h("span", {}, gap.cell_code));
}

// A row in the sheet of the cell.
export const gapRowOfCell = (gap) => row(gap, {}, affected(gap));
