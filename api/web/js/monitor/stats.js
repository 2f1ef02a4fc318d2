// The figures above the panel: cells, ground and gaps of what the caller sees.

import { measures } from "../map/colouring.js";
import { byId, h, replace } from "../core/dom.js";
import { area, number } from "../core/format.js";
import { counted, shownRun } from "./gap_list.js";
import { onLanguage, t } from "../core/i18n.js";
import { current, listen } from "../core/state.js";

let held = null;

// Returns what reads them again.
export function openStats() {
  const stat = (value, name, alarm = false) => h("div", { class: alarm ? "stat stat-alarm" : "stat" }, h("b", {}, value), h("span", {}, name));
  const draw = () => {
    const run = shownRun();
    replace(
      byId("stats"),
      stat(held === null ? "—" : number(held.cells), t("stat_cells")),
      stat(held === null ? "—" : area(held.area_m2), t("stat_area")),
      run === null ? null : stat(number(counted(run)), t("stat_gaps"), counted(run) > 0),
    );
  };
  const read = async () => {
    const { scheme, at } = current();
    if (scheme === null) return;
    try {
      const answer = await measures(scheme, at);
      if (scheme !== current().scheme || at !== current().at) return;
      const ground = answer.items.find((each) => each.key === "area_m2");
      held = { cells: answer.cells, area_m2: ground?.sum ?? null };
    } catch {
      held = null;
    }
    draw();
  };
  listen(["scheme", "at"], read);
  listen(["run"], draw);
  onLanguage(draw);
  draw();
  read();
  return read;
}
