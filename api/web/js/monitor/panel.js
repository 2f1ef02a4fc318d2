// The panel at the left, or from below on a phone: its two tabs and its handle.

import { byId, h } from "../core/dom.js";
import { t } from "../core/i18n.js";
import { change, current, listen } from "../core/state.js";

const NARROW = matchMedia("(max-width: 799px)");

function select(chosen) {
  for (const tab of [byId("tab-map"), byId("tab-gaps")]) {
    const own = tab.id === chosen;
    tab.setAttribute("aria-selected", String(own));
    tab.tabIndex = own ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = !own;
  }
}

// Only a narrow screen folds the panel.
const isFolded = () => current().folded && NARROW.matches;

function drawFold() {
  byId("panel").classList.toggle("folded", isFolded());
  byId("panel-handle").setAttribute("aria-expanded", String(!isFolded()));
}

export function openPanel() {
  const tabs = [byId("tab-map"), byId("tab-gaps")];
  for (const [at, tab] of tabs.entries()) {
    tab.addEventListener("click", () => select(tab.id));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const next = tabs[1 - at];
      select(next.id);
      next.focus();
    });
  }
  const handle = byId("panel-handle");
  handle.append(h("span", { "data-t": "panel" }, t("panel")));
  handle.addEventListener("click", () => change({ folded: !isFolded() }));
  NARROW.addEventListener("change", () => {
    change({ folded: NARROW.matches });
    drawFold();
  });
  listen(["folded"], drawFold);
  change({ folded: NARROW.matches });
  drawFold();
}
