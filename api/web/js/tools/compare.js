// Two days side by side: a second map over the first, cut where the slider stands.

import { inForceSince } from "../core/days.js";
import { byId, h } from "../core/dom.js";
import { today } from "../core/format.js";
import { runUpTo } from "../core/gap_runs.js";
import { t } from "../core/i18n.js";
import { exportLinks } from "../core/lists.js";
import { failure } from "../core/notifications.js";
import { change, current, listen } from "../core/state.js";
import { showBaseMap } from "../map/base_map.js";
import { removeChangeMarks, showChangeMarks } from "../map/change_marks.js";
import { describeCells, drawCells, removeCells, showCells } from "../map/cells.js";
import { classification } from "../map/colouring.js";
import { addEntities, removeEntities, showEntities } from "../map/entities.js";
import { drawGaps } from "../map/gaps.js";
import { makeMap } from "../map/map.js";
import { retryFailedTiles } from "../map/retry_tiles.js";
import { changeLists } from "./changes.js";
import { addTool, endTool, showCard } from "./tool_card.js";

const STEP = 0.05;
const OTHER = "other";

// Let the second map follow the first; returns what parts them again.
function follow(first, second) {
  const move = () => second.jumpTo({ center: first.getCenter(), zoom: first.getZoom() });
  first.on("move", move);
  move();
  return () => first.off("move", move);
}

function addSlider(stage, cut) {
  const bar = h("div", { id: "swipe", role: "slider", tabindex: "0", "aria-label": t("compare_slider"), "aria-valuemin": "0", "aria-valuemax": "100" });
  let share = 0.5;
  const place = (value) => {
    share = Math.min(0.98, Math.max(0.02, value));
    bar.style.left = `${share * 100}%`;
    bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    cut(share);
  };
  bar.addEventListener("pointerdown", (event) => bar.setPointerCapture(event.pointerId));
  bar.addEventListener("pointermove", (event) => {
    if (!bar.hasPointerCapture(event.pointerId)) return;
    const box = stage.getBoundingClientRect();
    place((event.clientX - box.left) / box.width);
  });
  bar.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -STEP, ArrowRight: STEP, Home: -1, End: 1 }[event.key];
    if (steps === undefined) return;
    event.preventDefault();
    place(share + steps);
  });
  stage.append(bar);
  place(share);
  return () => bar.remove();
}

// The days to choose from: those on which plans came into force or gaps were searched for, today, the one that is
// chosen, and any other.
function dayOptions(chosen) {
  const days = [...new Set([...current().days, ...current().runs.map((each) => each.on), today(), chosen])].filter(Boolean).sort().reverse();
  return [...days.map((each) => h("option", { value: each }, each === today() ? t("today") : each)), h("option", { value: OTHER }, t("other_day"))];
}

function daySelect(id, name, chosen, pick) {
  const choose = (event) => {
    if (event.target.value !== OTHER) return pick(event.target.value);
    const typed = h("input", { class: "select", type: "date", id, min: "1900-01-01", value: chosen, onchange: () => typed.value && typed.value >= "1900-01-01" && pick(typed.value) });
    select.replaceWith(typed);
    return typed.focus();
  };
  const select = h("select", { class: "select", id, onchange: choose }, dayOptions(chosen));
  select.value = chosen;
  return h("label", {}, h("span", {}, name), select);
}

function daySelects() {
  const { against, at } = current();
  return h(
    "div",
    { class: "pair" },
    daySelect("compare-left", t("compare_left"), against, (day) => change({ against: day })),
    daySelect("compare-right", t("compare_right"), at ?? today(), (day) => change({ at: day === today() ? null : day })),
  );
}

// `mark` is given what has changed, for the maps.
function drawCard(mark) {
  const { against, at } = current();
  const same = against === (at ?? today());
  if (same) mark([]);
  const [since, until] = [against, at ?? today()].sort();
  const exports = [["stat_cells", "cell-changes"], ["stat_gaps", "gap-changes"]].map(([word, list]) => [h("b", {}, t(word)), exportLinks(list, { since, at: until })]);
  const lists = () => [changeLists(since, until, mark), h("div", { class: "compare-exports" }, exports)];
  showCard(t("compare"), daySelects(), same ? null : lists(), h("p", { class: "note" }, t(same ? "compare_same" : "compare_slider")));
}

// The latest day on which other cells were in force than on the one shown.
function otherDay() {
  const shown = inForceSince(current().at);
  return current().days.find((each) => each !== shown) ?? today();
}

export function openCompare(map, style) {
  const stage = byId("stage");
  let second = null; // the map of the other day, while the tool is on
  let drawings = 0;

  const addLabel = (side) => {
    const element = h("span", { class: "swipe-day", id: `day-${side}` });
    stage.append(element);
    return element;
  };

  const draw = async () => {
    const drawn = second;
    const { scheme, against, at, hidden, runs } = current();
    if (drawn === null || against === null) return;
    const drawing = (drawings += 1);
    byId("day-left").textContent = `${against} · ${t("loading")}`;
    byId("day-right").textContent = at ?? t("today");
    try {
      const [described, classes] = await Promise.all([describeCells(scheme, against), classification(current())]);
      if (drawing !== drawings) return;
      drawCells(drawn, described, { scheme, at: against }, classes);
      showCells(drawn, hidden);
      removeEntities(drawn);
      addEntities(drawn, scheme);
      showEntities(drawn, hidden);
      drawGaps(drawn, scheme, runUpTo(runs, against)?.id ?? null, !hidden.has("gaps"));
      showBaseMap(drawn, hidden);
      drawMarks(drawn);
      drawn.once("idle", () => {
        const label = byId("day-left");
        if (label !== null && against === current().against) label.textContent = against;
      });
    } catch (error) {
      if (drawing !== drawings) return;
      // Cells of another day must not stand under the name of this one.
      removeCells(drawn);
      byId("day-left").textContent = against;
      showCard(t("compare"), daySelects(), failure(error, redraw));
    }
  };
  let marked = [];
  const drawMarks = (drawn) => {
    if (drawn !== null && drawn.getStyle()) showChangeMarks(drawn, marked);
  };
  // What is known of other days comes too late.
  const drawOwnCard = () => {
    const { scheme, against, at } = current();
    drawCard((found) => {
      if (second === null || scheme !== current().scheme || against !== current().against || at !== current().at) return;
      marked = found;
      drawMarks(map);
      if (second.isStyleLoaded()) drawMarks(second);
    });
  };
  const redraw = () => {
    draw();
    drawOwnCard();
  };
  const start = () => {
    change({ against: current().against ?? otherDay(), chosen: null });
    const container = h("div", { id: "second", "aria-hidden": "true" });
    byId("map").after(container);
    second = makeMap(container, style, { center: map.getCenter(), zoom: map.getZoom() }, { interactive: false });
    retryFailedTiles(second);
    second.getCanvas().tabIndex = -1;
    // It moves with the first map, so it is moving as long as that is.
    second.isMoving = () => map.isMoving();
    const [left, right] = [addLabel("left"), addLabel("right")];
    const removeSlider = addSlider(stage, (share) => {
      container.style.clipPath = `inset(0 ${(1 - share) * 100}% 0 0)`;
      left.style.right = `calc(${(1 - share) * 100}% + 30px)`;
      right.style.left = `calc(${share * 100}% + 30px)`;
    });
    const part = follow(map, second);
    second.on("load", draw);
    drawOwnCard();
    const resizing = new ResizeObserver(() => second?.resize());
    resizing.observe(stage);
    const end = () => {
      resizing.disconnect();
      part();
      removeSlider();
      left.remove();
      right.remove();
      second.remove();
      container.remove();
      second = null;
      marked = [];
      removeChangeMarks(map);
      drawings += 1;
      change({ against: null });
    };
    return { drawCard: redraw, end };
  };
  listen(["scheme", "at", "against", "fill", "method", "classes", "hidden", "run"], () => {
    if (second === null) return;
    if (current().against === null) endTool();
    else redraw();
  });
  listen(["days", "runs"], () => {
    if (second !== null) drawOwnCard();
  });
  const turnOn = addTool({ key: "compare", sign: "compare", start });
  if (current().against !== null) turnOn();
}
