// The figures at the top of the panel: cells, covered area and gaps of what the user may see.

import { byId, h, replace } from "../core/dom.js";
import { area, number } from "../core/format.js";
import { countGaps, notAnalysed, shownRun } from "../core/gap_runs.js";
import { t } from "../core/i18n.js";
import { measuresOf } from "../core/measures.js";
import { change, current, listen } from "../core/state.js";

// A count that leaves out kinds says so.
const gapsName = (run) => (notAnalysed(run).length > 0 || !run.whole ? t("stat_gaps_part") : t("stat_gaps"));

export function openStats() {
  let totals = null; // null while they are not known
  // A figure that opens the list of what it counts.
  const stat = (value, name, open = null, alarm = false) => {
    const attributes = { class: alarm ? "stat stat-alarm" : "stat" };
    const parts = [h("b", {}, value), h("span", {}, name)];
    return open === null ? h("div", attributes, parts) : h("button", { ...attributes, type: "button", onclick: open }, parts);
  };
  const scheme = () => current().schemes.find((each) => each.code === current().scheme)?.name ?? "";
  const openCells = () => change({ chosen: { kind: "list", list: "cells", query: {}, title: scheme(), under: t("stat_cells") } });
  const openGaps = () => byId("tab-gaps").click();
  const draw = () => {
    const run = shownRun();
    replace(
      byId("stats"),
      stat(totals === null ? "—" : number(totals.cells), t("stat_cells"), totals?.cells > 0 ? openCells : null),
      stat(totals === null ? "—" : area(totals.area_m2), t("stat_area")),
      run === null ? stat("—", t("stat_gaps_unknown"), openGaps) : stat(number(countGaps(run)), gapsName(run), openGaps, countGaps(run) > 0),
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
