// The draft that is edited: what the service has of it, and every write to it, one after the other.

import { batch, computed, signal } from "../../vendor/signals/signals-core.mjs";
import { allItems, ask, Refusal, Unreachable } from "../core/api.js";
import { t } from "../core/i18n.js";
import { errorMessage, notify } from "../core/notifications.js";
import { may } from "../core/session.js";

const PAGE = 1000; // cells or steps that one request answers
const PAGES = 100;
const WATCH_MS = 5_000; // between two looks at whether others have changed the draft
const RETRY_MS = 3_000; // between two attempts to send what could not be sent

export const plan = signal(null); // as the service describes it; null while none is open
export const cells = signal(new Map()); // by code: what the service says of a cell, and its counts
export const changed = signal([]); // of the last change: the codes of cells to redraw, or null for all
export const steps = signal([]); // edits, and that they were undone or done again, in their order
export const locked = signal(new Set()); // codes of the cells that no edit may change
export const saving = signal("saved"); // saved, saving, or waiting while the service cannot be reached
export const loading = signal(false);

export const editable = computed(() => plan.value?.state === "draft" && may("draft"));

const path = (rest = "") => `v1/plans/${plan.peek().id}${rest}`;

// What can be undone and done again: the edits of the draft less those that are undone.
export const depth = computed(() => {
  let done = 0;
  let undone = 0;
  for (const { action } of steps.value) {
    if (action === "edit") [done, undone] = [done + 1, 0];
    else if (action === "undo") [done, undone] = [done - 1, undone + 1];
    else if (action === "redo") [done, undone] = [done + 1, undone - 1];
  }
  return { done, undone };
});

async function read(id) {
  const [found, list, counts, taken, locks] = await Promise.all([
    ask(`v1/plans/${id}`),
    allItems(`v1/plans/${id}/cells`, { limit: PAGE }, PAGES),
    ask(`v1/plans/${id}/measures/counts`),
    allItems(`v1/plans/${id}/edits`, { limit: PAGE }, PAGES),
    allItems(`v1/plans/${id}/locks`, { limit: PAGE }, PAGES),
  ]);
  const counted = new Map(counts.items.map((each) => [each.code, each.counts]));
  return { found, taken, locks: new Set(locks.map((each) => each.code)), known: new Map(list.map((cell) => [cell.code, { ...cell, counts: counted.get(cell.code) ?? {} }])) };
}

// Open a plan; its cells are read again when it is open already.
export async function openPlan(id) {
  loading.value = true;
  try {
    const { found, known, taken, locks } = await read(id);
    batch(() => {
      plan.value = found;
      cells.value = known;
      steps.value = taken;
      locked.value = locks;
      changed.value = null;
    });
  } finally {
    loading.value = false;
  }
}

export function closePlan() {
  batch(() => {
    plan.value = null;
    cells.value = new Map();
    steps.value = [];
    locked.value = new Set();
    changed.value = null;
  });
}

// Put what an edit has changed into the draft.
function adopt(answer) {
  const next = new Map(cells.peek());
  for (const { code } of answer.before) next.delete(code);
  for (const cell of answer.after) next.set(cell.code, cell);
  batch(() => {
    cells.value = next;
    changed.value = [...answer.before, ...answer.after].map((each) => each.code);
    steps.value = [...steps.peek(), answer.step];
    plan.value = { ...plan.peek(), version: answer.version, valid: null, checked_at: null };
  });
}

let queue = Promise.resolve();

// Send a write after those before it; while the service cannot be reached it waits, and is sent again under its key.
function send(rest, { body, method = "POST" } = {}) {
  const key = crypto.randomUUID();
  const attempt = async () => {
    saving.value = "saving";
    for (;;) {
      try {
        const answer = await ask(path(rest), { method, body, key, version: plan.peek().version });
        saving.value = "saved";
        return answer;
      } catch (error) {
        if (!(error instanceof Unreachable) && !(error instanceof Refusal && error.status === 503)) {
          saving.value = "saved";
          throw error;
        }
        saving.value = "waiting";
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  const sent = queue.then(attempt);
  queue = sent.catch(() => {});
  return sent;
}

// What a refusal means to the planner: the service's own sentence, as far as it has one.
export const refusal = (error) => (error instanceof Refusal && [409, 412, 422].includes(error.status) ? error.message : errorMessage(error));

// Take a step of drawing: true if it was taken. One that comes too late for what others did is told, and the draft read again.
async function draw(rest, body) {
  const before = plan.peek().version;
  try {
    const answer = await send(rest, { body });
    adopt(answer);
    // Others have drawn elsewhere meanwhile.
    if (answer.version !== before + 1) await openPlan(plan.peek().id);
    return true;
  } catch (error) {
    notify(() => refusal(error));
    if (error instanceof Refusal && error.status === 412) await openPlan(plan.peek().id);
    return false;
  }
}

export const edit = (body) => draw("/edits", body);
export const undo = () => (depth.peek().done > 0 ? draw("/undo") : Promise.resolve(false));
export const redo = () => (depth.peek().undone > 0 ? draw("/redo") : Promise.resolve(false));

// Lock cells, so that no edit changes them, or unlock them.
export async function setLock(codes, on) {
  try {
    const answer = await send(on ? "/lock" : "/unlock", { body: { cells: codes } });
    const next = new Set(locked.peek());
    for (const code of answer.codes) {
      if (on) next.add(code);
      else next.delete(code);
    }
    batch(() => {
      locked.value = next;
      plan.value = { ...plan.peek(), version: answer.version };
    });
  } catch (error) {
    notify(() => refusal(error));
    if (error instanceof Refusal && error.status === 412) await openPlan(plan.peek().id);
  }
}

export const previewEdit = (body, signal) => ask(path("/edits/preview"), { method: "POST", body, signal });

// Take a step of review, such as submit; what was published or taken back is read again.
export async function review(step, body) {
  await send(`/${step}`, { body });
  await openPlan(plan.peek().id);
}

// Wait for a job, telling each look at it, and refuse what it refused.
export async function finished(job, tell = () => {}) {
  let known = job;
  while (["queued", "running"].includes(known.state)) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    known = await ask(`v1/jobs/${job.id}`);
    tell(known);
  }
  if (known.state !== "done") throw new Refusal(409, { detail: known.error ?? t(known.state === "cancelled" ? "editor.cancelled" : "failed") });
  return known.result;
}

export async function publish(on) {
  const answer = await send("/publish", { body: { on } });
  const done = answer.kind === "publish" ? await finished(answer) : answer;
  await openPlan(plan.peek().id);
  return done;
}

// Have the service check the draft, and return what it found.
export async function check() {
  const answer = await ask(path("/check"), { method: "POST" });
  if (answer.kind === "check") await finished(answer);
  const found = await ask(path("/check"));
  plan.value = await ask(path());
  return found;
}

// Look from time to time whether others have changed what is open.
export function watch() {
  setInterval(async () => {
    if (plan.peek() === null || document.hidden || saving.peek() !== "saved" || loading.peek()) return;
    try {
      const { version, state } = await ask(path());
      const mine = plan.peek();
      if (mine === null || saving.peek() !== "saved" || (version === mine.version && state === mine.state)) return;
      const known = steps.peek().length;
      await openPlan(mine.id);
      const others = [...new Set(steps.peek().slice(known).map((each) => each.created_by))];
      notify(() => t("editor.changed_by_others", { who: others.join(", ") || "—" }));
    } catch {
      // The next look tells it, if it lasts.
    }
  }, WATCH_MS);
}
