// The days on which plans of the scheme came into force: read when the scheme changes, and watched for a new one.

import { ask } from "./api.js";
import { number, today } from "./format.js";
import { t } from "./i18n.js";
import { errorMessage, notify } from "./notifications.js";
import { change, current, listen, refresh } from "./state.js";

const WATCH_EVERY = 60_000;

// The latest first, where the user may see.
const daysOf = async (scheme) => (await ask(`v1/schemes/${encodeURIComponent(scheme)}/days`)).days;

// The day since which the cells of a day have been in force; null where no plan says so.
export const inForceSince = (day) => current().days.find((each) => each <= (day ?? today())) ?? null;

async function read() {
  const { scheme } = current();
  if (scheme === null) return;
  try {
    const days = await daysOf(scheme);
    if (scheme === current().scheme) change({ days });
  } catch (error) {
    change({ days: [] });
    notify(() => errorMessage(error));
  }
}

// Say what a new plan has changed since the one before, and how many cells have nobody who answers for them.
async function notifyOfPlan(scheme, since) {
  if (since === undefined) return notify(() => t("new_plan"));
  const { begun, ended, changed, unstaffed } = await ask(`v1/schemes/${encodeURIComponent(scheme)}/changes`, { query: { since } });
  const counts = { begun: number(begun), ended: number(ended), changed: number(changed) };
  return notify(() => [t("new_plan"), t("new_plan_changes", counts), unstaffed > 0 ? t("new_plan_unstaffed", { n: number(unstaffed) }) : ""].join(" "));
}

// A plan that has come into force meanwhile is shown without being asked for.
async function watch() {
  const { scheme, session } = current();
  if (document.hidden || scheme === null || session === null) return;
  try {
    const days = await daysOf(scheme);
    if (scheme !== current().scheme || days.join() === current().days.join()) return;
    const before = current().days[0];
    change({ days });
    refresh();
    await notifyOfPlan(scheme, before);
  } catch {
    // The next round tries again; what is shown stays.
  }
}

export function openDays() {
  listen(["scheme"], read);
  window.setInterval(watch, WATCH_EVERY);
  read();
}
