// The drafts of a scheme: one of them on the map, and what its check found, for those who draw plans.

import { allItems, ask } from "../core/api.js";
import { h } from "../core/dom.js";
import { area, day, number } from "../core/format.js";
import { t, word } from "../core/i18n.js";
import { failure } from "../core/notifications.js";
import { may } from "../core/session.js";
import { current, listen } from "../core/state.js";
import { flyToBox } from "../map/camera.js";
import { boxOfGeometry, drawDraft, FINDING_COLOURS, removeDraft } from "../map/drafts.js";
import { addTool, showCard } from "./tool_card.js";

const STATES = ["draft", "submitted", "approved"];
const PAGE = 1000;
const PAGES = 10;
const SHOWN = 100;

// What the last check of a plan found, each with its place; null for a plan that was not checked.
async function readFindings(plan) {
  if (plan.checked_at === null) return null;
  const { features } = await ask(`v1/plans/${plan.id}/check`, { query: { f: "geojson" } });
  return features.map(({ properties, geometry }) => ({ ...properties, geometry }));
}

function findingRow(map, finding) {
  const { kind, severity, codes, area_m2: size, detail, waived, geometry } = finding;
  const mark = h("i", { class: "change-mark change-gap" });
  mark.style.setProperty("--mark", FINDING_COLOURS[severity] ?? FINDING_COLOURS.error);
  const title = kind === "rule" ? detail : word("finding", kind);
  const under = [kind === "rule" ? (waived ? t("draft_waived") : null) : codes, size ? area(size) : null].filter(Boolean).join(" · ");
  const fly = geometry === null ? null : () => flyToBox(map, boxOfGeometry(geometry));
  return h("button", { class: "change-row finding-row", type: "button", disabled: fly === null, onclick: fly }, h("b", {}, mark, " ", title), h("small", {}, under));
}

export function openDrafts(map) {
  if (!may("draft")) return;
  let plans = null; // those that can be chosen, once they are known
  let chosen = null; // the plan that is shown
  let shown = null; // its { cells, findings }, once they are read
  let problem = null;
  let requests = 0;

  const findings = () => {
    if (shown === null) return h("p", { class: "quiet", role: "status" }, t("loading"));
    if (shown.findings === null) return h("p", { class: "note" }, t("draft_unchecked"));
    const found = shown.findings;
    const head = found.length === 0 ? t("draft_sound", { day: day(chosen.checked_at) }) : t("draft_found", { n: number(found.length), day: day(chosen.checked_at) });
    const rest = found.length - SHOWN;
    return [
      h("p", { class: "figures", id: "draft-found" }, head),
      h("div", { class: "change-rows" }, found.slice(0, SHOWN).map((each) => findingRow(map, each))),
      rest > 0 ? h("p", { class: "note" }, t("change_more", { n: number(rest) })) : null,
    ];
  };
  const select = () => {
    const options = plans.map((each) => h("option", { value: each.id }, `${each.name} · ${word("plan_state", each.state)} · ${each.id}`));
    const element = h("select", { class: "select", id: "draft-plan", "aria-label": t("drafts"), onchange: () => show(plans.find((each) => each.id === Number(element.value))) }, options);
    element.value = String(chosen.id);
    return element;
  };
  const drawCard = () => {
    if (problem !== null) return showCard(t("drafts"), failure(problem, load));
    if (plans === null) return showCard(t("drafts"), h("p", { class: "quiet", role: "status" }, t("loading")));
    if (plans.length === 0) return showCard(t("drafts"), h("p", { class: "note" }, t("drafts_none")));
    const cut = shown !== null && shown.cells.length >= PAGE * PAGES ? h("p", { class: "note" }, t("draft_cut", { n: number(PAGE * PAGES) })) : null;
    return showCard(t("drafts"), select(), findings(), cut, h("p", { class: "note" }, t("draft_note")));
  };
  // Do something with what is read, unless something else has been asked for meanwhile or the tool is off.
  const read = async (reading, take) => {
    const request = (requests += 1);
    problem = null;
    drawCard();
    try {
      const answer = await reading;
      if (request === requests) take(answer);
    } catch (error) {
      if (request !== requests) return;
      problem = error;
      drawCard();
    }
  };
  const show = (plan) => {
    chosen = plan;
    shown = null;
    removeDraft(map);
    const cells = allItems(`v1/plans/${plan.id}/cells`, { limit: PAGE, geometry: true }, PAGES);
    return read(Promise.all([cells, readFindings(plan)]), ([drawn, found]) => {
      shown = { cells: drawn, findings: found };
      drawDraft(map, drawn, found ?? []);
      drawCard();
    });
  };
  const load = () => {
    plans = null;
    removeDraft(map);
    return read(allItems("v1/plans", { scheme: current().scheme, limit: PAGE }), (found) => {
      plans = found.filter((each) => STATES.includes(each.state)).reverse();
      if (plans.length > 0) show(plans.find((each) => each.id === chosen?.id) ?? plans[0]);
      else drawCard();
    });
  };
  addTool({
    key: "drafts",
    sign: "draft",
    start: () => {
      load();
      const end = () => {
        requests += 1;
        removeDraft(map);
      };
      // In another language the service says it anew.
      return { drawCard: load, end };
    },
  });
  listen(["scheme"], () => {
    if (current().tool?.key === "drafts") load();
  });
}
