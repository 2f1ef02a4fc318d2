// The sheet at the right, or from below on a phone, that shows what is chosen: opened, filled, focused and closed. What
// stands on it is up to the sheet of each kind, see catalogue.js.

import { byId, replace } from "../core/dom.js";
import { t } from "../core/i18n.js";
import { announce, failure, loading } from "../core/notifications.js";
import { change, current, listen } from "../core/state.js";
import { keepInView } from "../map/camera.js";
import { pinAt } from "../map/pin.js";
import { head } from "./parts.js";

export function openSheet(map, sheets) {
  const box = byId("sheet");
  const byKind = new Map(sheets.map((each) => [each.kind, each]));
  let open = false;
  let opener = null; // what had the focus before the sheet was opened
  let requests = 0;

  const show = (shown) => {
    open = shown;
    box.hidden = !shown;
    document.body.classList.toggle("has-sheet", shown);
  };
  const close = () => {
    show(false);
    opener?.focus();
    opener = null;
  };
  // Draw what is chosen; `fresh` is whether it has just been chosen.
  const draw = async (fresh) => {
    const { chosen } = current();
    const request = (requests += 1);
    const sheet = byKind.get(chosen?.kind);
    if (fresh) pinAt(map, sheet?.pin?.(chosen) ?? null);
    if (chosen === null) return close();
    if (!open) opener = document.activeElement === document.body ? map.getCanvas() : document.activeElement;
    const first = !open || fresh;
    show(true);
    const waiting = setTimeout(() => {
      if (request === requests) replace(box, head(t("sheet"), "…"), loading());
    }, first ? 120 : 600);
    // What moves the map waits until the sheet covers what it will cover.
    const moves = [];
    try {
      const contents = await sheet.render(chosen, { map, onShown: (move) => moves.push(move) });
      if (request !== requests) return undefined;
      clearTimeout(waiting);
      const hadFocus = box.contains(document.activeElement) && !fresh;
      replace(box, contents);
      // On a phone the sheet is as high as its contents.
      if (fresh && chosen.lon !== undefined) keepInView(map, [chosen.lon, chosen.lat]);
      if (fresh) for (const move of moves) move();
      if (fresh) box.scrollTop = 0;
      const title = box.querySelector("h2");
      // Whoever types the next search meanwhile goes on typing.
      if (title !== null && (fresh || hadFocus) && document.activeElement !== byId("query")) title.focus({ preventScroll: true });
      announce(title?.textContent ?? "");
    } catch (error) {
      clearTimeout(waiting);
      if (request === requests) replace(box, head(t(`sheet.${chosen.kind}`), ""), failure(error, () => draw(true)));
    }
    return undefined;
  };
  listen(["chosen"], () => draw(true));
  listen(["scheme", "at", "language"], (state, changed) => {
    if (state.chosen !== null && !changed.has("chosen")) draw(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || current().tool !== null) return;
    if (!document.activeElement?.closest("#search, #account")) change({ chosen: null });
  });
}
