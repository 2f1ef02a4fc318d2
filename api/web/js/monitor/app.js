// The page once somebody is signed in: opens the map and everything around it.

import { allItems, ask } from "../core/api.js";
import { openDays } from "../core/days.js";
import { OFF_AT_FIRST } from "../core/entity_kinds.js";
import { readGapKinds } from "../core/gap_kinds.js";
import { adoptMeasures, measureOf } from "../core/measures.js";
import { adopt, keepAddress, readAddress } from "../core/permalink.js";
import { change, current } from "../core/state.js";
import { weighAreaBorders } from "../map/area_borders.js";
import { baseStyle, withIntranetTiles } from "../map/base_map.js";
import { showAll } from "../map/camera.js";
import { cellTarget, describeCells, withCells } from "../map/cells.js";
import { classification } from "../map/colouring.js";
import { entityTarget } from "../map/entities.js";
import { gapTarget } from "../map/gaps.js";
import { openMap } from "../map/map.js";
import { addMapControls } from "../map/map_controls.js";
import { openMessage } from "../map/message.js";
import { openOutlines } from "../map/outlines.js";
import { openPointer } from "../map/pointer.js";
import { retryFailedTiles } from "../map/retry_tiles.js";
import { SHEETS } from "../sheets/catalogue.js";
import { openSheet } from "../sheets/sheet.js";
import { openCompare } from "../tools/compare.js";
import { openDrafts } from "../tools/drafts.js";
import { openKeys } from "../tools/keys.js";
import { openPrint } from "../tools/print.js";
import { openRuler } from "../tools/ruler.js";
import { openShare } from "../tools/share.js";
import { openToolCard } from "../tools/tool_card.js";
import { openWhere } from "../tools/where.js";
import { openAccount } from "../core/account.js";
import { openControls } from "./controls.js";
import { openGapList } from "./gap_list.js";
import { openLayers } from "./layers.js";
import { openLegend } from "./legend.js";
import { boundsOf, openMapContent } from "./map_content.js";
import { openPanel } from "./panel.js";
import { openSearch } from "./search.js";
import { openStats } from "./stats.js";

const CHINA = [73, 18, 135, 54];

// Milliseconds that the first drawing waits for classes; those that take longer are painted when they come.
const CLASSES_WAIT = 150;

// How the page is set up, and by what its cells can be coloured.
async function readSetup() {
  const setup = await ask("v1/page");
  adoptMeasures(setup.measures);
  return setup;
}

// Read the schemes, and the cells of the one that is shown first with their classes, once the measures are known.
async function firstCells(setup) {
  const schemes = await allItems("v1/schemes");
  const known = schemes.some((each) => each.code === current().scheme);
  change({ schemes, scheme: known ? current().scheme : (schemes[0]?.code ?? null) });
  const { scheme, at } = current();
  if (scheme === null) return { described: null, classes: null };
  const late = new Promise((resolve) => setTimeout(resolve, CLASSES_WAIT, null));
  const classes = Promise.race([setup.then(() => classification(current())).catch(() => null), late]);
  return { described: await describeCells(scheme, at), classes: await classes };
}

// Choose what an address names; the map flies there unless the address says where it is.
function choose({ chosen, view }) {
  if (chosen !== null) change({ chosen: { ...chosen, fly: view === null } });
}

// Another address of the same page, such as one pasted into its field, is shown without loading the page anew.
function followAddress(map) {
  window.addEventListener("hashchange", ({ newURL }) => {
    // The address may have been written again meanwhile; the event has the one that was asked for.
    const given = readAddress(new URL(newURL).hash);
    if (!current().schemes.some((each) => each.code === given.scheme)) given.scheme = null;
    if (measureOf(given.fill) === undefined) given.fill = null;
    adopt(given);
    if (given.view) map.jumpTo(given.view);
    choose(given);
  });
}

function openPanelAndSheet(map, setup) {
  openSheet(map, SHEETS);
  openControls();
  openDays();
  openLayers(setup.base_tiles !== null);
  openLegend(map);
  openStats();
  openGapList();
  openSearch(map);
}

function openTools(map, style, setup) {
  openToolCard();
  openWhere(map);
  openRuler(map);
  if (current().schemes.length > 0) {
    openCompare(map, style);
    openDrafts(map);
    openPrint(map, setup.title);
  }
  openShare();
  openKeys();
}

export async function openApp() {
  const given = readAddress();
  change({ hidden: new Set(OFF_AT_FIRST), message: { word: "loading" } });
  adopt(given);
  openAccount();
  openPanel();
  openMessage();
  let setup;
  let baseLayers;
  let first;
  try {
    // All at once, as none needs another.
    const read = readSetup();
    [setup, baseLayers, first] = await Promise.all([read, baseStyle(), firstCells(read), readGapKinds()]);
  } catch (error) {
    change({ message: { error, retry: () => location.reload() } });
    return;
  }
  const style = withIntranetTiles(baseLayers, setup.base_tiles);
  const { described, classes } = first;
  change({ bounds: boundsOf(described) ?? boundsOf(style.sources.areas) ?? CHINA, shownClasses: classes });
  const map = await openMap(described === null ? style : withCells(style, described, current(), classes), given.view ?? { bounds: current().bounds });
  if (map === null) return;
  change({ message: current().schemes.length > 0 ? null : { word: "no_schemes" } });
  addMapControls(map, setup.base_tiles?.attribution ?? "");
  retryFailedTiles(map);
  openOutlines(map);
  weighAreaBorders(map);
  const contentAdded = openMapContent(map, described);
  openPanelAndSheet(map, setup);
  openTools(map, style, setup);
  openPointer(map, [entityTarget, gapTarget, cellTarget]);
  keepAddress();
  choose(given);
  followAddress(map);
  // For tests and for the console.
  window.wangge = { map, state: current, whole: () => showAll(map) };
  await contentAdded;
  map.once("idle", () => {
    document.documentElement.dataset.ready = "map";
  });
  map.triggerRepaint();
}
