// The legend: what the cells are coloured by, the classes of a measure with their histogram, and how they are computed.

import { byId, h, replace, svg } from "../core/dom.js";
import { t } from "../core/i18n.js";
import { measureName, measuresOf, METHODS } from "../core/measures.js";
import { errorMessage, failure, loading, notify } from "../core/notifications.js";
import { change, current, listen } from "../core/state.js";
import { classification } from "../map/colouring.js";
import { classRows, neighbourStrip } from "../map/legend_rows.js";

// Bars for how often values occur, each in the colour of its class; the rows beneath name the values.
function histogram(classes) {
  const bars = classes.histogram;
  if (!bars?.counts?.length) return null;
  const [width, height] = [288, 62];
  const most = Math.max(...bars.counts, 1);
  const step = width / bars.counts.length;
  const chart = svg("svg", { class: "histogram", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": t("histogram") });
  bars.counts.forEach((count, at) => {
    const middle = (bars.edges[at] + bars.edges[at + 1]) / 2;
    const own = classes.breaks.findIndex((upper) => middle <= upper);
    // What occurs is visible, however rare it is.
    const tall = count === 0 ? 0 : Math.max(2, Math.sqrt(count / most) * (height - 4));
    chart.append(svg("rect", { x: at * step + 0.5, y: height - 1 - tall, width: Math.max(1, step - 1), height: tall, fill: classes.colours.at(own) }));
  });
  chart.append(svg("line", { x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5 }));
  return chart;
}

function classControls() {
  const { method, classes } = current();
  const methods = h("select", { class: "select", id: "method", onchange: (event) => change({ method: event.target.value }) }, METHODS.map((each) => h("option", { value: each }, t(`method.${each}`))));
  methods.value = method;
  const numbers = h("select", { class: "select", id: "classes", onchange: (event) => change({ classes: Number(event.target.value) }) }, [3, 4, 5, 6, 7].map((each) => h("option", { value: each }, String(each))));
  numbers.value = String(classes);
  return h("div", { class: "legend-controls" }, h("label", {}, h("span", {}, t("method")), methods), h("label", {}, h("span", {}, t("classes")), numbers));
}

// Open the list of the cells of a class: those above the class before it, up to its own greatest value.
const openClass = ({ key, breaks }) => (at, words) => {
  const bounds = { above: at > 0 ? breaks[at - 1] : undefined, up_to: breaks[at] };
  change({ chosen: { kind: "list", list: "cells", query: { measure: key, ...bounds }, title: `${measureName(key)} ${words}`, under: t("stat_cells") } });
};

function notes(map, classes) {
  const keys = [];
  if (classes.breaks.length < current().classes) keys.push("fewer_classes");
  if (map.getZoom() < current().groupsBelow) keys.push("fill_groups_note");
  return keys.map((key) => h("p", { class: "note" }, t(key)));
}

export function openLegend(map) {
  const select = byId("fill");
  const box = byId("legend");
  let items = []; // the measures that the scheme has
  let requests = 0;

  const drawSelect = () => {
    const options = [["neighbours", t("fill_neighbours")], ...items.map((each) => [each.key, measureName(each.key)])];
    replace(select, options.map(([value, text]) => h("option", { value }, text)));
    select.value = current().fill;
  };
  const draw = async () => {
    const request = (requests += 1);
    if (current().fill === "neighbours") {
      replace(box, neighbourStrip(), h("p", { class: "note" }, t("fill_neighbours_note")));
      return;
    }
    const waiting = setTimeout(() => {
      if (request === requests) replace(box, classControls(), loading());
    }, 200);
    try {
      const classes = await classification(current());
      if (request !== requests) return;
      if (classes.breaks.length === 0) replace(box, classControls(), h("p", { class: "note" }, t("no_values")));
      else replace(box, classControls(), histogram(classes), classRows(classes, openClass(classes)), notes(map, classes));
    } catch (error) {
      if (request === requests) replace(box, classControls(), failure(error, draw));
    } finally {
      clearTimeout(waiting);
    }
  };
  const read = async () => {
    const { scheme, at } = current();
    if (scheme === null) return;
    try {
      items = (await measuresOf(scheme, at)).items;
      // A measure that the scheme does not have is no choice.
      if (!items.some((each) => each.key === current().fill)) change({ fill: "neighbours" });
    } catch (error) {
      notify(() => errorMessage(error));
    }
    drawSelect();
  };
  select.addEventListener("change", () => change({ fill: select.value }));
  listen(["scheme", "at"], read);
  listen(["scheme", "at", "fill", "method", "classes", "groupsBelow"], () => {
    select.value = current().fill;
    draw();
  });
  listen(["language"], () => {
    drawSelect();
    draw();
  });
  let grouped = map.getZoom() < current().groupsBelow;
  map.on("zoomend", () => {
    if (grouped === map.getZoom() < current().groupsBelow) return;
    grouped = !grouped;
    draw();
  });
  drawSelect();
  draw();
  read();
}
