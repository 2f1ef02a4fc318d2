// The switches of the layers.

import { byId, h, replace } from "../core/dom.js";
import { ENTITY_COLOURS, ENTITY_KINDS } from "../core/entity_kinds.js";
import { t } from "../core/i18n.js";
import { current, listen, toggleLayer } from "../core/state.js";
import { unitsOf } from "../map/cells.js";

const GRID = ["labels", "areas", "gaps", "base"];

function mark(key) {
  const point = key in ENTITY_COLOURS;
  const element = h("i", { class: `mark ${point ? "mark-point" : `mark-${key === "tiles" ? "base" : key}`}` });
  if (point) element.style.setProperty("--mark", ENTITY_COLOURS[key]);
  return element;
}

function row(key, hidden) {
  const box = h("input", { type: "checkbox", role: "switch", "data-layer": key, onchange: (event) => toggleLayer(key, event.target.checked) });
  box.checked = !hidden.has(key);
  const unknown = key === "gaps" && current().run === null ? h("small", {}, ` · ${t("gaps_state.not_analysed")}`) : null;
  return h("label", { class: "switch" }, mark(key), h("span", {}, t(`layer.${key}`), unknown), box);
}

// `hasTiles` is whether the page is set up with tiles of the intranet.
export function openLayers(hasTiles) {
  const draw = () => {
    const { hidden } = current();
    const units = unitsOf(current().scheme) === null ? [] : ["units"];
    const grid = ["cells", ...units, ...GRID, ...(hasTiles ? ["tiles"] : [])];
    const group = (title, keys) => h("div", { class: "layer-group" }, h("h3", {}, t(title)), keys.map((key) => row(key, hidden)));
    replace(byId("layers"), h("h2", { class: "block-title" }, t("layers")), group("layers_grid", grid), group("layers_entities", ENTITY_KINDS));
  };
  listen(["hidden"], ({ hidden }) => {
    for (const box of byId("layers").querySelectorAll("[data-layer]")) box.checked = !hidden.has(box.dataset.layer);
  });
  listen(["language", "run", "scheme", "schemes"], draw);
  draw();
}
