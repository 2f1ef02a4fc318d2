// A gap as a row of a list: what is missing, where, and who answers for it. A click opens it.

import { h } from "../core/dom.js";
import { entityKindName } from "../core/entity_kinds.js";
import { area, number } from "../core/format.js";
import { gapDetail, gapKindName, severityName } from "../core/gap_kinds.js";
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

// Where it is: the two lowest of its areas, and its cell.
const where = (gap) => [gap.area?.split(" / ").slice(-2).join(" "), gap.cell_name || gap.cell_code].filter(Boolean).join(" · ");

// Who answers for it, by name and number; null for nobody.
const person = (gap) => (gap.person_number === null ? null : [gap.person, gap.person_number].filter(Boolean).join(" "));
export const answerable = (gap) => person(gap) ?? t("gap_nobody");

// `record` is the gap as its sheet needs it; without one the sheet reads it.
function row(gap, record, attributes, ...under) {
  return h(
    "button",
    { class: "gap-row", type: "button", ...attributes, onclick: () => change({ chosen: { kind: "gap", id: gap.id, fly: true, record } }) },
    h("i", { class: `dot dot-${gap.severity}` }),
    h("b", {}, gapKindName(gap.kind)),
    h("span", {}, severityName(gap.severity)),
    h("small", {}, ...under),
  );
}

// The entity that a gap is about, which a click opens.
export function entityLink({ entity }) {
  if (!entity) return null;
  const open = () => change({ chosen: { kind: "entity", id: entity.id, fly: true } });
  const name = [entityKindName(entity.kind), entity.name, entity.external_id].filter(Boolean).join(" ");
  return h("button", { class: "link-button gap-entity", type: "button", onclick: open }, name);
}

// A row of the list of all gaps.
export function gapRow(gap, chosen) {
  const attributes = { "aria-current": chosen ? "true" : null, "data-gap": gap.id };
  const lines = [gapDetail(gap), where(gap), person(gap) === null ? t("gap_nobody") : t("gap_answers", { who: person(gap) }), affected(gap)].filter(Boolean);
  return h("div", { class: "gap-item" }, row(gap, gap, attributes, lines.map((line) => h("span", { class: "gap-line" }, line))), entityLink(gap));
}

// A row in the sheet of the cell.
export const gapRowOfCell = (gap) => row(gap, undefined, {}, affected(gap));
