// The sheet at the right, or from below on a phone: what is chosen, opened, closed, and given the focus.

import { cellSheet } from "./cell.js";
import { byId, h, icon, replace } from "../core/dom.js";
import { entitySheet } from "./entity.js";
import { gapSheet } from "./gap.js";
import { onLanguage, t } from "../core/i18n.js";
import { pinAt } from "../map/pin.js";
import { placeSheet } from "./place.js";
import { change, current, listen } from "../core/state.js";
import { announce, failure, loading } from "../core/notifications.js";

const SHEETS = { cell: cellSheet, entity: entitySheet, gap: gapSheet, place: placeSheet };

export function head(kind, title, under) {
  return h(
    "header",
    { class: "sheet-head" },
    h("p", { class: "kind" }, kind),
    h("h2", { tabindex: "-1" }, title),
    under ? h("p", { class: "under" }, under) : null,
    h("button", { class: "icon-button", type: "button", "aria-label": t("close"), title: t("close"), onclick: () => change({ chosen: null }) }, icon("close")),
  );
}

export const block = (title, ...children) => h("section", { class: "sheet-block" }, title ? h("h3", {}, title) : null, ...children);

// Names and values: facts([["Code", "001"], …]); what has no value is left out.
export function facts(pairs) {
  const kept = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, kept.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

// What the sheet covers of the map: so much at the right, or on a phone from below.
export function covered(map) {
  const box = byId("sheet");
  if (box.hidden) return { right: 0, bottom: 0 };
  const stage = map.getContainer().getBoundingClientRect();
  const own = box.getBoundingClientRect();
  return own.left > stage.left + 1 ? { right: own.width, bottom: 0 } : { right: 0, bottom: Math.max(0, stage.bottom - own.top) };
}

// What has been clicked moves into the open when the sheet would hide it.
function keepInView(map, { lon, lat }) {
  const { right, bottom } = covered(map);
  const { clientWidth, clientHeight } = map.getContainer();
  const spot = map.project([lon, lat]);
  const across = Math.max(0, spot.x - (clientWidth - right - 80));
  const down = Math.max(0, spot.y - (clientHeight - bottom - 60));
  if (across > 0 || down > 0) map.panBy([across, down], { duration: 350 });
}

export function openSheet(map, session) {
  const box = byId("sheet");
  let asked = 0;
  let under = null;

  const show = (shown) => {
    box.hidden = !shown;
    document.body.classList.toggle("has-sheet", shown);
  };
  const draw = async (fresh) => {
    const { chosen } = current();
    const mine = (asked += 1);
    // What moves the map waits until the sheet stands, and with it what it covers.
    const moves = [];
    if (fresh) pinAt(map, chosen?.kind === "place" ? [chosen.lon, chosen.lat] : null);
    if (chosen === null) {
      show(false);
      under?.focus();
      under = null;
      return;
    }
    if (box.hidden) under = document.activeElement === document.body ? map.getCanvas() : document.activeElement;
    const first = box.hidden || fresh;
    show(true);
    const waiting = setTimeout(() => replace(box, head(t("sheet"), "…"), loading()), first ? 120 : 600);
    try {
      const parts = await SHEETS[chosen.kind](chosen, { map, session, move: (deed) => moves.push(deed) });
      if (mine !== asked) return;
      clearTimeout(waiting);
      const kept = box.contains(document.activeElement) && !fresh;
      replace(box, parts);
      // On a phone the sheet is as high as what it holds.
      if (fresh && chosen.lon !== undefined) keepInView(map, chosen);
      if (fresh) for (const deed of moves) deed();
      if (fresh) box.scrollTop = 0;
      const title = box.querySelector("h2");
      // Whoever types the next search meanwhile goes on typing.
      if (title !== null && (fresh || kept) && document.activeElement !== byId("query")) title.focus({ preventScroll: true });
      announce(title?.textContent ?? "");
    } catch (error) {
      clearTimeout(waiting);
      if (mine === asked) replace(box, head(t(`sheet.${chosen.kind}`), ""), failure(error, () => draw(true)));
    }
  };
  listen(["chosen"], () => draw(true));
  listen(["scheme", "at"], (state, changed) => {
    if (state.chosen !== null && !changed.has("chosen")) draw(false);
  });
  onLanguage(() => {
    if (current().chosen !== null) draw(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.body.dataset.tool) return;
    if (!document.activeElement?.closest("#search, #account")) change({ chosen: null });
  });
}
