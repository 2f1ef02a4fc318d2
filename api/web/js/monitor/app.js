// The page once somebody is signed in: opens the map, joins the parts, and keeps them in step with the state.

import { ask, pages } from "../core/api.js";
import { openAccount } from "./account.js";
import { cellsDrawn, describeCells, drawCells, removeCells, recolourCells, showCells, withCells } from "../map/cells.js";
import { openChoices } from "./controls.js";
import { classification } from "../map/colouring.js";
import { openCompare } from "../tools/compare.js";
import { byId, replace } from "../core/dom.js";
import { openGaps } from "./gap_list.js";
import { onLanguage, t } from "../core/i18n.js";
import { openLayers, tellLayers } from "./layers.js";
import { openLegend } from "./legend.js";
import { addFoot, addZoomButtons, baseStyle, openMap, showMessage, showWaiting, whole, withTiles } from "../map/map.js";
import { fillHoles } from "../map/retry_tiles.js";
import { addObjects, removeObjects, showGaps, showObjects } from "../map/entities.js";
import { openOutlines } from "../map/outlines.js";
import { openPanel } from "./panel.js";
import { adopt, keepAddress, readAddress } from "../core/permalink.js";
import { openPointer } from "../map/pointer.js";
import { openPrint } from "../tools/print.js";
import { openRuler } from "../tools/ruler.js";
import { openSearch } from "./search.js";
import { openSheet } from "../sheets/sheet.js";
import { openShare } from "../tools/share.js";
import { change, current, listen } from "../core/state.js";
import { openStats } from "./stats.js";
import { failure, toast } from "../core/notifications.js";

// What is empty is described as the whole world.
const somewhere = (bounds) => bounds !== undefined && bounds[2] - bounds[0] < 359;

const CHINA = [73, 18, 135, 54];

// How long the first drawing waits for classes; those that take longer are painted when they come.
const MOMENT = 150;

// What stands in place of the map that could not be drawn, until it is asked for again.
function showFailure(error, retry) {
  const box = byId("map-message");
  replace(box, failure(error, retry));
  box.hidden = false;
}

// The schemes, and the cells of the one that is shown first with their classes.
async function firstCells() {
  const schemes = await pages("v1/schemes");
  if (!schemes.some((each) => each.code === current().scheme)) change({ scheme: schemes[0]?.code ?? null });
  const { scheme, at } = current();
  if (scheme === null) return { schemes, described: null, classes: null };
  const moment = new Promise((resolve) => setTimeout(resolve, MOMENT, null));
  const classes = Promise.race([classification(current()).catch(() => null), moment]);
  return { schemes, described: await describeCells(scheme, at), classes: await classes };
}

export async function openApp(session) {
  const asked = readAddress();
  adopt(asked);
  openAccount(session);
  openPanel();
  showMessage(t("loading"));
  let setup;
  let style;
  let first;
  try {
    // All at once: what one does not need of another is not waited for.
    [setup, style, first] = await Promise.all([ask("v1/page"), baseStyle(), firstCells()]);
  } catch (error) {
    showFailure(error, () => location.reload());
    return;
  }
  style = withTiles(style, setup.base_tiles);
  const { schemes, described } = first;
  let bounds = [described?.bounds, style.sources.areas.bounds, CHINA].find(somewhere);
  const map = await openMap(described === null ? style : withCells(style, described, current(), first.classes), asked.view ?? { bounds });
  if (map === null) return;
  showMessage(schemes.length ? "" : t("no_schemes"));
  addZoomButtons(map, () => bounds);
  addFoot(map, setup);
  showWaiting(map);
  fillHoles(map);
  const outlines = openOutlines(map);

  // What a description of cells tells beside their tiles.
  const tell = (now) => {
    if (somewhere(now.bounds)) bounds = now.bounds;
    change({ groupsBelow: now.vector_layers?.find((layer) => layer.id === "cells")?.minzoom ?? 0 });
    showMessage(somewhere(now.bounds) ? "" : t("no_cells"));
  };
  let drawing = 0;
  const redraw = async () => {
    const mine = (drawing += 1);
    const { scheme, at } = current();
    if (scheme === null) return;
    try {
      const [now, classes] = await Promise.all([describeCells(scheme, at), classification(current())]);
      if (mine !== drawing) return;
      drawCells(map, now, { scheme, at }, classes);
      tell(now);
      visible();
    } catch (error) {
      if (mine !== drawing) return;
      removeCells(map);
      showFailure(error, () => {
        showMessage(t("loading"));
        readStats();
        redraw();
      });
    }
  };
  const visible = () => {
    const { hidden } = current();
    showCells(map, !hidden.has("cells"), !hidden.has("labels"));
    outlines.show(!hidden.has("cells"));
    showObjects(map, hidden);
    showGaps(map, !hidden.has("gaps"));
    tellLayers(map, hidden);
  };

  const recolour = async () => {
    try {
      recolourCells(map, await classification(current()));
    } catch {
      // The legend tells what went wrong and offers to try again.
    }
  };

  if (described !== null) tell(described);
  showCells(map, !current().hidden.has("cells"), !current().hidden.has("labels"));
  const drawn = cellsDrawn(map);
  openSheet(map, session);
  const choices = openChoices(schemes);
  openLayers(setup);
  openLegend(map);
  const readStats = openStats();
  openGaps(map, drawn);
  openSearch(map);
  openRuler(map);
  if (schemes.length > 0) {
    openCompare(map, style);
    openPrint(map, setup);
  }
  openShare(map);
  openPointer(map, outlines);

  listen(["scheme", "at"], redraw);
  onLanguage(() => {
    if (!byId("map-message").hidden) redraw();
  });
  const objects = async () => {
    await drawn;
    removeObjects(map);
    if (current().scheme !== null) addObjects(map, current().scheme);
    visible();
  };
  listen(["scheme"], objects);
  listen(["fill", "method", "classes"], recolour);
  listen(["hidden"], visible);
  listen(["chosen"], ({ chosen }) => outlines.choose(chosen));

  keepAddress(map);
  const follows = (given) => {
    if (given.chosen !== null) change({ chosen: { ...given.chosen, fly: given.view === null } });
  };
  follows(asked);
  window.addEventListener("hashchange", ({ newURL }) => {
    // What was shown until now may have been written over it meanwhile.
    const given = readAddress(new URL(newURL).hash);
    if (!schemes.some((each) => each.code === given.scheme)) given.scheme = null;
    adopt(given);
    if (given.view) map.jumpTo(given.view);
    follows(given);
  });
  window.setInterval(() => follow(choices, redraw), 60_000);
  // What tests and a person at the console may ask.
  window.wangge = { map, state: current, whole: () => whole(map, bounds) };
  recolour();
  await objects();
  map.once("idle", () => {
    document.documentElement.dataset.ready = "map";
  });
  map.triggerRepaint();
}

// A plan that has come into force meanwhile is shown without being asked for.
async function follow(choices, redraw) {
  if (document.hidden || current().scheme === null || byId("app").hidden) return;
  try {
    if (await choices.refresh()) {
      toast(t("new_plan"));
      redraw();
    }
  } catch {
    // The next round tries again; what is shown stays.
  }
}
