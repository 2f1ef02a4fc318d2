// Printing: one A4 page with the map, title, scheme, day, legend, scale and north, and links to maps of all of the area.

import { address } from "../core/api.js";
import { byId, h, replace, svg } from "../core/dom.js";
import { ENTITY_COLOURS, entityKindPlural } from "../core/entity_kinds.js";
import { day, distance, number, today } from "../core/format.js";
import { SEVERITIES, severityName } from "../core/gap_kinds.js";
import { shownRun } from "../core/gap_runs.js";
import { t } from "../core/i18n.js";
import { measureName, measuresOf } from "../core/measures.js";
import { errorMessage, failure, notify } from "../core/notifications.js";
import { change, current, listen } from "../core/state.js";
import { recolourCells } from "../map/cells.js";
import { classification } from "../map/colouring.js";
import { classRows, neighbourStrip, outcomeList } from "../map/legend_rows.js";
import { scaleBar } from "../map/map_controls.js";
import { INK } from "../map/palette.js";
import { addTool, showCard } from "./tool_card.js";

const KEY = "print";

// Milliseconds that the printed picture waits for tiles.
const PATIENCE = 20_000;

// The service refuses to draw a map of more.
const MOST_CELLS = 20_000;

// The map as a picture, drawn anew at twice the resolution of the screen; afterwards the map is as before.
async function picture(map) {
  const before = map.getPixelRatio();
  map.setPixelRatio(Math.max(2, before));
  try {
    // If tiles do not come, the map is printed as far as it is drawn.
    await new Promise((resolve) => {
      map.once("idle", resolve);
      setTimeout(resolve, PATIENCE);
      map.triggerRepaint();
    });
    return await new Promise((resolve) => {
      // The canvas can be read only before the browser has shown it.
      map.once("render", () => resolve(map.getCanvas().toDataURL("image/png")));
      map.triggerRepaint();
    });
  } finally {
    map.setPixelRatio(before);
  }
}

// The map as it is on the screen: when the browser itself prints, it waits for nothing.
function screenPicture(map) {
  map.redraw();
  return map.getCanvas().toDataURL("image/png");
}

function north() {
  const arrow = svg("svg", { viewBox: "0 0 24 40", class: "paper-north", role: "img" });
  arrow.append(svg("path", { d: "M12 2l8 24-8-6-8 6z", fill: INK }));
  return h("span", { class: "paper-arrow" }, arrow, t("north"));
}

function scale(map, share) {
  const bar = scaleBar(map, 220);
  const element = h("span", { class: "paper-scale" }, distance(bar.metres));
  element.style.width = `${bar.pixels * share}%`;
  return element;
}

function legend(classes) {
  const { method, hidden } = current();
  const parts = [];
  if (!hidden.has("cells")) {
    parts.push(
      h("h2", {}, classes === null ? t("fill_neighbours") : measureName(classes.key)),
      classes === null ? neighbourStrip() : [h("p", {}, t(`method.${method}`)), h("div", {}, classRows(classes))],
    );
  }
  const run = shownRun();
  if (run === null) parts.push(h("h2", {}, t("layer.gaps")), h("p", {}, t("gaps_state.not_analysed")));
  else if (!hidden.has("gaps")) {
    const silent = run.analysis.filter((each) => !each.gaps);
    parts.push(
      h("h2", {}, t("layer.gaps")),
      SEVERITIES.map((each) => h("p", { class: "paper-severity" }, h("i", { class: `dot dot-${each}` }), severityName(each))),
      silent.length > 0 ? outcomeList(silent) : null,
    );
  }
  const kinds = Object.entries(ENTITY_COLOURS).filter(([kind]) => !hidden.has(kind));
  if (kinds.length > 0) {
    const row = ([kind, colour]) => h("p", { class: "paper-severity" }, h("i", { class: "dot", style: { background: colour } }), entityKindPlural(kind));
    parts.push(h("h2", {}, t("layers_entities")), kinds.map(row));
  }
  return h("aside", { class: "paper-legend" }, parts);
}

function layOut(map, pageTitle, src, classes) {
  const { at, scheme, schemes } = current();
  const title = `${pageTitle} · ${schemes.find((each) => each.code === scheme)?.name ?? ""}`;
  const stage = map.getContainer();
  replace(
    byId("print-page"),
    h("header", {}, h("h1", {}, title), h("p", {}, `${t("date")} ${at ?? today()} · ${t("print_drawn", { day: day(today()) })}`)),
    h("div", { class: "paper-map" }, h("img", { alt: "", decoding: "sync", src }), north(), scale(map, 100 / stage.clientWidth)),
    legend(classes),
  );
}

async function print(map, pageTitle) {
  notify(() => t("print_preparing"));
  const classes = await classification(current());
  // A choice of a moment ago may not be drawn yet.
  recolourCells(map, classes);
  change({ shownClasses: classes });
  layOut(map, pageTitle, await picture(map), classes);
  await byId("print-page").querySelector("img").decode();
  window.print();
}

// A link to a map that the service draws of what is shown now.
function mapLink(form, text) {
  const { scheme, at, fill, method, classes, language } = current();
  const coloured = fill === "neighbours" ? {} : { measure: fill, method, classes };
  const href = address(`maps/${encodeURIComponent(scheme)}.${form}`, { lang: language, at, ...coloured });
  return h("a", { id: `print-${form}`, class: "button", href, target: "_blank", rel: "noopener" }, text);
}

const quiet = (text) => h("p", { class: "quiet" }, text);

// Links to maps of the whole area, or why there are none: a link that would be refused is not offered.
function mapLinks(cells) {
  if (cells === 0) return quiet(t("no_cells"));
  if (cells > MOST_CELLS) return quiet(t("print_too_many", { n: number(MOST_CELLS) }));
  const links = [mapLink("pdf", t("print_sheet")), mapLink("png", t("print_picture")), mapLink("html", t("print_file"))];
  return [h("div", { class: "links" }, links), quiet(t("print_note"))];
}

export function openPrint(map, pageTitle) {
  let busy = false; // while a page is being laid out
  const start = async () => {
    if (busy) return;
    busy = true;
    try {
      await print(map, pageTitle);
    } catch (error) {
      notify(() => errorMessage(error));
    } finally {
      busy = false;
    }
  };
  // The browser's own command prints the page too, as it is now and not as it was laid out before.
  window.addEventListener("beforeprint", () => {
    if (busy) return;
    if (current().session === null) replace(byId("print-page"));
    else layOut(map, pageTitle, screenPicture(map), current().shownClasses);
  });
  const view = () => h("div", { class: "links" }, h("button", { id: "print-view", class: "button", type: "button", onclick: start }, t("print_view")));
  const maps = h("div");
  let requests = 0;
  const offer = async () => {
    const request = (requests += 1);
    const { scheme, at } = current();
    const show = (...parts) => {
      if (request === requests) replace(maps, parts);
    };
    show();
    try {
      show(mapLinks((await measuresOf(scheme, at)).cells));
    } catch (error) {
      show(failure(error, offer));
    }
  };
  const drawCard = () => {
    showCard(t("print"), view(), maps);
    offer();
  };
  listen(["scheme", "at", "fill", "method", "classes"], () => {
    if (current().tool?.key === KEY) offer();
  });
  addTool({
    key: KEY,
    sign: "print",
    start: () => {
      drawCard();
      return { drawCard, end: () => {} };
    },
  });
}
