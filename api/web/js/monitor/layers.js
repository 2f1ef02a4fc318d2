// The switches of the layers, and which layers of the base style they stand for.

import { byId, h, replace } from "../core/dom.js";
import { onLanguage, t } from "../core/i18n.js";
import { KINDS } from "../map/palette.js";
import { current, listen, toggle } from "../core/state.js";

const GRID = ["cells", "labels", "areas", "gaps", "base"];

function mark(key) {
  const point = key in KINDS;
  const element = h("i", { class: `mark ${point ? "mark-point" : `mark-${key === "tiles" ? "base" : key}`}` });
  if (point) element.style.setProperty("--mark", KINDS[key]);
  return element;
}

function row(key, hidden) {
  const box = h("input", { type: "checkbox", role: "switch", "data-layer": key, onchange: (event) => toggle(key, event.target.checked) });
  box.checked = !hidden.has(key);
  return h("label", { class: "switch" }, mark(key), h("span", {}, t(`layer.${key}`)), box);
}

export function openLayers(setup) {
  const draw = () => {
    const { hidden } = current();
    const grid = setup.base_tiles === null ? GRID : [...GRID, "tiles"];
    const group = (title, keys) => h("div", { class: "layer-group" }, h("h3", {}, t(title)), keys.map((key) => row(key, hidden)));
    replace(byId("layers"), h("h2", { class: "block-title" }, t("layers")), group("layers_grid", grid), group("layers_objects", Object.keys(KINDS)));
  };
  listen(["hidden"], ({ hidden }) => {
    for (const box of byId("layers").querySelectorAll("[data-layer]")) box.checked = !hidden.has(box.dataset.layer);
  });
  onLanguage(draw);
  draw();
}

// Show or hide what the base style brings: areas with their names, and the base map beneath.
export function tellLayers(map, hidden) {
  for (const layer of map.getStyle().layers) {
    let key = null;
    if (layer.source === "areas") key = "areas";
    else if (layer.source === "base") key = "base";
    else if (layer.source === "intranet") key = "tiles";
    if (key !== null) map.setLayoutProperty(layer.id, "visibility", hidden.has(key) ? "none" : "visible");
  }
}
