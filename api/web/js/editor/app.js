// The planner's page once somebody is signed in: the list of drafts, the map, and the tools around it.

import { openAccount } from "../core/account.js";
import { allItems, ask } from "../core/api.js";
import { byId } from "../core/dom.js";
import { errorMessage, notify } from "../core/notifications.js";
import { change, current } from "../core/state.js";
import { baseStyle, withIntranetTiles } from "../map/base_map.js";
import { openMap } from "../map/map.js";
import { addMapControls } from "../map/map_controls.js";
import { openMessage } from "../map/message.js";
import { retryFailedTiles } from "../map/retry_tiles.js";
import { effect } from "../../vendor/signals/signals-core.mjs";
import { cells, openPlan, plan, watch } from "./draft.js";
import { boundsOf, flyTo, openDraftMap } from "./draft_map.js";
import { openDrawing } from "./drawing.js";
import { apply, cancel, selection, setTool, tool } from "./gesture.js";
import { openKeys } from "./keys.js";
import { Card } from "./panel/card.js";
import { Header } from "./panel/header.js";
import { Panel, openPlans } from "./panel/panel.js";
import { Toolbar } from "./panel/toolbar.js";
import { show } from "./view.js";

const CHINA = [73, 18, 135, 54];

// The number of the plan that the address names, or null.
const planInAddress = () => Number(/^#(?:.*&)?plan=(\d{1,15})(?:&|$)/.exec(location.hash)?.[1]) || null;

async function follow() {
  const id = planInAddress();
  if (id === null || plan.peek()?.id === id) return;
  try {
    await openPlan(id);
  } catch (error) {
    notify(() => errorMessage(error));
  }
}

function keepAddress() {
  effect(() => {
    const address = `${location.pathname}${location.search}${plan.value === null ? "" : `#plan=${plan.value.id}`}`;
    if (planInAddress() !== (plan.value?.id ?? null)) history.replaceState(null, "", address);
  });
  window.addEventListener("hashchange", follow);
}

// The map shows the whole of a plan when another is opened.
function followPlan(map) {
  let shown = null;
  effect(() => {
    const id = plan.value?.id ?? null;
    const known = cells.value;
    if (id === shown || (id !== null && known.size === 0)) return;
    shown = id;
    if (id === null) return;
    change({ bounds: boundsOf([...known.values()]) });
    flyTo(map, [...known.values()], 0);
  });
}

export async function openApp() {
  change({ message: { word: "loading" } });
  openAccount();
  openMessage();
  let setup;
  let style;
  try {
    let schemes;
    [setup, style, schemes] = await Promise.all([ask("v1/page"), baseStyle(), allItems("v1/schemes"), openPlans()]);
    change({ schemes });
  } catch (error) {
    change({ message: { error, retry: () => location.reload() } });
    return;
  }
  change({ bounds: style.sources.areas.bounds ?? CHINA });
  const map = await openMap(withIntranetTiles(style, setup.base_tiles), { bounds: current().bounds });
  if (map === null) return;
  change({ message: null });
  addMapControls(map, setup.base_tiles?.attribution ?? "");
  retryFailedTiles(map);
  openDraftMap(map);
  const drawing = openDrawing(map);
  followPlan(map);
  const wanted = planInAddress();
  show(byId("plan-bar"), Header);
  show(byId("panel"), () => Panel({ map }));
  show(byId("toolbar"), Toolbar);
  show(byId("edit-card"), Card);
  openKeys(map);
  if (wanted !== null) await follow();
  keepAddress();
  watch();
  // For tests and for the console.
  window.wangge = { map, drawing, state: () => ({ plan: plan.peek(), cells: cells.peek(), selection: selection.peek(), tool: tool.peek() }), apply, cancel, setTool };
  map.once("idle", () => {
    document.documentElement.dataset.ready = "plan";
  });
  map.triggerRepaint();
}
