// The map on paper: one A4 page with title, scheme, day, legend, scale and north, at the resolution of print.

import { address } from "../core/api.js";
import { recolourCells } from "../map/cells.js";
import { classification, measures, shownClasses } from "../map/colouring.js";
import { byId, h, replace, svg } from "../core/dom.js";
import { day, distance, number, today } from "../core/format.js";
import { currentLanguage, t } from "../core/i18n.js";
import { classRows, measureName, neighbourStrip } from "../monitor/legend.js";
import { scaleBar } from "../map/map.js";
import { KINDS, SEVERITIES } from "../map/palette.js";
import { current, listen } from "../core/state.js";
import { failure, sentence, toast } from "../core/notifications.js";
import { addTool, showCard } from "./tool_card.js";

const PATIENCE = 20_000;

// What the service draws at most; it refuses more.
const MOST_CELLS = 20_000;

// The picture is drawn anew at twice the resolution of the screen, and the map is as before afterwards.
async function picture(map) {
  const before = map.getPixelRatio();
  map.setPixelRatio(Math.max(2, before));
  try {
    // A map that cannot finish drawing, for tiles that do not come, is printed as far as it is.
    await new Promise((resolve) => {
      map.once("idle", resolve);
      setTimeout(resolve, PATIENCE);
      map.triggerRepaint();
    });
    return await new Promise((resolve) => {
      // What WebGL has drawn can be read only before the browser has shown it.
      map.once("render", () => resolve(map.getCanvas().toDataURL("image/png")));
      map.triggerRepaint();
    });
  } finally {
    map.setPixelRatio(before);
  }
}

// The picture as it stands: what the browser prints by itself waits for nothing.
function seen(map) {
  map.redraw();
  return map.getCanvas().toDataURL("image/png");
}

function north() {
  const arrow = svg("svg", { viewBox: "0 0 24 40", class: "paper-north", role: "img" });
  arrow.append(svg("path", { d: "M12 2l8 24-8-6-8 6z", fill: "#17242f" }));
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
  if (!hidden.has("gaps") && current().run !== null) {
    parts.push(
      h("h2", {}, t("layer.gaps")),
      Object.keys(SEVERITIES).map((each) => h("p", { class: "paper-severity" }, h("i", { class: `dot dot-${each}` }), t(`severity.${each}`))),
    );
  }
  const kinds = Object.entries(KINDS).filter(([kind]) => !hidden.has(kind));
  if (kinds.length > 0) {
    const row = ([kind, colour]) => h("p", { class: "paper-severity" }, h("i", { class: "dot", style: { background: colour } }), t(`layer.${kind}`));
    parts.push(h("h2", {}, t("layers_objects")), kinds.map(row));
  }
  return h("aside", { class: "paper-legend" }, parts);
}

function layOut(map, setup, shown, classes) {
  const { at } = current();
  const scheme = byId("scheme").selectedOptions[0]?.textContent ?? "";
  const stage = map.getContainer();
  replace(
    byId("print-page"),
    h("header", {}, h("h1", {}, `${setup.title} · ${scheme}`), h("p", {}, `${t("date")} ${at ?? today()} · ${t("print_drawn", { day: day(today()) })}`)),
    h("div", { class: "paper-map" }, h("img", { alt: "", decoding: "sync", src: shown }), north(), scale(map, 100 / stage.clientWidth)),
    legend(classes),
  );
}

async function print(map, setup) {
  toast(t("print_preparing"));
  const classes = await classification(current());
  // What has been chosen a moment ago may not be drawn yet.
  recolourCells(map, classes);
  layOut(map, setup, await picture(map), classes);
  await byId("print-page").querySelector("img").decode();
  window.print();
}

// A link to a map that the service draws of what is shown now.
function choice(form, words) {
  const { scheme, at, fill, method, classes } = current();
  const coloured = fill === "neighbours" ? {} : { measure: fill, method, classes };
  const href = address(`maps/${encodeURIComponent(scheme)}.${form}`, { lang: currentLanguage(), at, ...coloured });
  return h("a", { id: `print-${form}`, class: "button", href, target: "_blank", rel: "noopener" }, words);
}

const quiet = (text) => h("p", { class: "quiet" }, text);

// Maps of the whole area, or why there are none: a link that leads to a refusal is not offered.
function choicesOf(cells) {
  if (cells === 0) return quiet(t("no_cells"));
  if (cells > MOST_CELLS) return quiet(t("print_too_many", { n: number(MOST_CELLS) }));
  const links = [choice("pdf", t("print_sheet")), choice("png", t("print_picture")), choice("html", t("print_file"))];
  return [h("div", { class: "choices" }, links), quiet(t("print_note"))];
}

export function openPrint(map, setup) {
  let busy = false;
  const start = async () => {
    if (busy) return;
    busy = true;
    try {
      await print(map, setup);
    } catch (error) {
      toast(sentence(error));
    } finally {
      busy = false;
    }
  };
  // By the browser's own command the page goes to paper too, and never one that was laid out before.
  window.addEventListener("beforeprint", () => {
    if (busy) return;
    if (byId("app").hidden) replace(byId("print-page"));
    else layOut(map, setup, seen(map), shownClasses(current()));
  });
  const view = () => h("div", { class: "choices" }, h("button", { id: "print-view", class: "button", type: "button", onclick: start }, t("print_view")));
  const maps = h("div");
  let asked = 0;
  const offer = async () => {
    const mine = (asked += 1);
    const { scheme, at } = current();
    const show = (...parts) => {
      if (mine === asked) replace(maps, parts);
    };
    show();
    try {
      show(choicesOf((await measures(scheme, at)).cells));
    } catch (error) {
      show(failure(error, offer));
    }
  };
  const tell = () => {
    showCard(t("print"), view(), maps);
    offer();
  };
  listen(["scheme", "at", "fill", "method", "classes"], () => {
    if (document.body.dataset.tool === "print") offer();
  });
  addTool("print", "print", () => {
    tell();
    return { tell, end: () => {} };
  });
}
