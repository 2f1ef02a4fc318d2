// Two days side by side: a second map over the first, cut where the slider stands.

import { ask } from "../core/api.js";
import { describeCells, drawCells, removeCells, showCells } from "../map/cells.js";
import { daysInForce, since } from "../monitor/controls.js";
import { classification } from "../map/colouring.js";
import { byId, h } from "../core/dom.js";
import { number, today } from "../core/format.js";
import { fitting } from "../monitor/gap_list.js";
import { t } from "../core/i18n.js";
import { tellLayers } from "../monitor/layers.js";
import { makeMap } from "../map/map.js";
import { fillHoles } from "../map/retry_tiles.js";
import { addObjects, drawGaps, removeObjects, showObjects } from "../map/entities.js";
import { change, current, listen } from "../core/state.js";
import { failure, sentence } from "../core/notifications.js";
import { addTool, endTool, showCard } from "./tool_card.js";

const STEP = 0.05;

// Two maps that move as one; returns what parts them again.
function tie(first, second) {
  let moving = false;
  const follow = (from, to) => () => {
    if (moving) return;
    moving = true;
    to.jumpTo({ center: from.getCenter(), zoom: from.getZoom() });
    moving = false;
  };
  const one = follow(first, second);
  first.on("move", one);
  one();
  return () => first.off("move", one);
}

function slider(stage, cut) {
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
  return { remove: () => bar.remove(), again: () => place(share) };
}

export function openCompare(map, style) {
  const stage = byId("stage");
  let second = null;
  let drawing = 0;
  let cleanup = [];

  const label = (side) => {
    const element = h("span", { class: "swipe-day", id: `day-${side}` });
    stage.append(element);
    return element;
  };
  // Days to choose from: those on which plans came into force, and today.
  const options = (chosen) => {
    const known = [...new Set([...daysInForce(), today(), chosen])].filter(Boolean).sort().reverse();
    return known.map((each) => h("option", { value: each }, each === today() ? t("today") : each));
  };
  const other = () => {
    const shown = since(current().at);
    return daysInForce().find((each) => each !== shown) ?? today();
  };

  const start = () => {
    change({ against: current().against ?? other(), chosen: null });
    const container = h("div", { id: "second", "aria-hidden": "true" });
    byId("map").after(container);
    second = makeMap(container, style, { center: map.getCenter(), zoom: map.getZoom() }, { interactive: false });
    fillHoles(second);
    second.getCanvas().tabIndex = -1;
    // It is moved by the other one, and moves as long.
    second.isMoving = () => map.isMoving();
    const [left, right] = [label("left"), label("right")];
    const swipe = slider(stage, (share) => {
      container.style.clipPath = `inset(0 ${(1 - share) * 100}% 0 0)`;
      left.style.right = `calc(${(1 - share) * 100}% + 30px)`;
      right.style.left = `calc(${share * 100}% + 30px)`;
    });
    const untie = tie(map, second);
    cleanup = [untie, swipe.remove, () => left.remove(), () => right.remove(), () => second.remove(), () => container.remove()];
    second.on("load", () => draw());
    card();
    const watch = new ResizeObserver(() => second?.resize());
    watch.observe(stage);
    cleanup.push(() => watch.disconnect());
    const end = () => {
      for (const deed of cleanup) deed();
      cleanup = [];
      second = null;
      drawing += 1;
      change({ against: null });
    };
    return { tell, end };
  };
  const draw = async () => {
    const mine = second;
    const { scheme, against, at, hidden } = current();
    if (mine === null || against === null) return;
    const turn = (drawing += 1);
    byId("day-left").textContent = `${against} · ${t("loading")}`;
    byId("day-right").textContent = at ?? t("today");
    try {
      const [described, classes] = await Promise.all([describeCells(scheme, against), classification(current())]);
      if (turn !== drawing) return;
      drawCells(mine, described, { scheme, at: against }, classes);
      showCells(mine, !hidden.has("cells"), !hidden.has("labels"));
      removeObjects(mine);
      addObjects(mine, scheme);
      showObjects(mine, hidden);
      drawGaps(mine, scheme, fitting(against)?.id ?? null, !hidden.has("gaps"));
      tellLayers(mine, hidden);
      mine.once("idle", () => {
        const label = byId("day-left");
        if (label !== null && against === current().against) label.textContent = against;
      });
    } catch (error) {
      if (turn !== drawing) return;
      // Cells of another day must not stand under the name of this one.
      removeCells(mine);
      byId("day-left").textContent = against;
      showCard(t("compare"), choices(), failure(error, tell));
    }
  };
  const choices = () => {
    const choose = (id, text, value, pick) => {
      const select = h("select", { class: "select", id, onchange: (event) => pick(event.target.value) }, options(value));
      select.value = value;
      return h("label", {}, h("span", {}, text), select);
    };
    const { against, at } = current();
    return h(
      "div",
      { class: "pair" },
      choose("compare-left", t("compare_left"), against, (day) => change({ against: day })),
      choose("compare-right", t("compare_right"), at ?? today(), (day) => change({ at: day === today() ? null : day })),
    );
  };
  const card = () => {
    const { against, at } = current();
    const same = since(against) === since(at);
    showCard(t("compare"), choices(), same ? null : count(against, at ?? today()), h("p", { class: "note" }, t(same ? "compare_same" : "compare_slider")));
  };
  const tell = () => {
    draw();
    card();
  };
  // How many cells differ between the days, once that is known.
  const count = (one, another) => {
    const line = h("p", { class: "figures", id: "compare-changes" }, "…");
    const [since, until] = [one, another].sort();
    ask(`v1/schemes/${encodeURIComponent(current().scheme)}/changes`, { query: { since, at: until } }).then(
      ({ begun, ended, changed }) => {
        line.textContent = t("compare_changes", { since, at: until, begun: number(begun), ended: number(ended), changed: number(changed) });
      },
      (error) => {
        line.textContent = sentence(error);
      },
    );
    return line;
  };
  listen(["scheme", "at", "against", "fill", "method", "classes", "hidden", "run"], () => {
    if (second === null) return;
    if (current().against === null) endTool();
    else tell();
  });
  document.addEventListener("wangge-days", () => {
    if (second !== null) card();
  });
  const tool = addTool("compare", "compare", start);
  if (current().against !== null) tool.begin();
}
