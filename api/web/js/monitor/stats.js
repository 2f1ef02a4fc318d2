// The figures at the top of the panel: cells, covered area and gaps of what the user may see.

import { byId, h, replace } from "../core/dom.js";
import { area, number } from "../core/format.js";
import { countGaps, notAnalysed, shownRun } from "../core/gap_runs.js";
import { t } from "../core/i18n.js";
import { measuresOf } from "../core/measures.js";
import { current, listen } from "../core/state.js";

// A count that leaves out kinds says so.
const gapsName = (run) => (notAnalysed(run).length > 0 || !run.whole ? t("stat_gaps_part") : t("stat_gaps"));

export function openStats() {
  let totals = null; // null while they are not known
  const stat = (value, name, alarm = false) => h("div", { class: alarm ? "stat stat-alarm" : "stat" }, h("b", {}, value), h("span", {}, name));
  const draw = () => {
    const run = shownRun();
    replace(
      byId("stats"),
      stat(totals === null ? "—" : number(totals.cells), t("stat_cells")),
      stat(totals === null ? "—" : area(totals.area_m2), t("stat_area")),
      run === null ? stat("—", t("stat_gaps_unknown")) : stat(number(countGaps(run)), gapsName(run), countGaps(run) > 0),
    );
  };
  const read = async () => {
    const { scheme, at } = current();
    if (scheme === null) return;
    try {
      const found = await measuresOf(scheme, at);
      if (scheme !== current().scheme || at !== current().at) return;
      totals = found;
    } catch {
      totals = null;
    }
    draw();
  };
  listen(["scheme", "at", "revision"], read);
  listen(["runs", "run", "language"], draw);
  draw();
  read();
}
