// What the planner is doing: the chosen tool and cells, what is drawn, and what the edit would change.

import { batch, computed, effect, signal } from "../../vendor/signals/signals-core.mjs";
import { debounce } from "../core/dom.js";
import { cells, edit, editable, plan, previewEdit, refusal } from "./draft.js";
import { TOOLS } from "./tools/catalogue.js";

export const selection = signal([]); // codes of cells, in the order of choice
export const tool = signal(null); // of TOOLS; null to choose cells
export const drawn = signal(null); // GeoJSON geometry
export const options = signal({}); // what the form of the tool has
export const preview = signal(null); // { answer } or { why } or { busy: true }; null before there is anything to see

export const chosen = computed(() => selection.value.map((code) => cells.value.get(code)).filter(Boolean));

// Why a tool cannot be used on what is chosen: the key of a sentence, or null.
export function hindrance(each) {
  if (!editable.value) return "editor.not_a_draft";
  const [least, most] = each.takes;
  const count = chosen.value.length;
  if (count < least || count > most) return each.asks;
  return null;
}

// The edit that is asked for, once all it needs is there.
const command = computed(() => {
  const each = tool.value;
  if (each === null || hindrance(each) !== null || (each.draws !== null && drawn.value === null)) return null;
  return each.command(chosen.value.map((cell) => cell.code), drawn.value, options.value, chosen.value);
});

let asked = null; // AbortController of the preview under way

const ask = debounce(120, async () => {
  const body = command.peek();
  asked?.abort();
  if (body === null) return;
  asked = new AbortController();
  const { signal: aborted } = asked;
  try {
    const answer = await previewEdit(body, aborted);
    if (!aborted.aborted) preview.value = { answer };
  } catch (error) {
    if (!aborted.aborted) preview.value = { why: () => refusal(error) };
  }
});

effect(() => {
  // Seen again when the draft itself changes.
  void plan.value?.version;
  preview.value = command.value === null ? null : { busy: true };
  ask();
});

export function choose(code, more = false) {
  const now = selection.peek();
  if (!more) selection.value = [code];
  else selection.value = now.includes(code) ? now.filter((each) => each !== code) : [...now, code];
}

// The form of a tool that shows the chosen cell follows the choice.
effect(() => {
  void selection.value;
  if (tool.peek()?.defaults) options.value = tool.peek().defaults(chosen.peek());
});

export function setTool(key) {
  const next = TOOLS.find((each) => each.key === key) ?? null;
  batch(() => {
    tool.value = next;
    drawn.value = null;
    options.value = next?.defaults?.(chosen.peek()) ?? {};
  });
}

// Give up what is under way: first what is drawn, then the tool, then the choice.
export function cancel() {
  if (drawn.peek() !== null) drawn.value = null;
  else if (tool.peek() !== null) setTool(null);
  else selection.value = [];
}

// The cells that an edit changes to the eye: those that only get a vertex of a neighbour's new border are left out.
export const visible = computed(() => {
  const answer = preview.value?.answer;
  if (answer === undefined) return null;
  const keep = (list, others) =>
    list.filter((cell) => {
      const other = others.find((each) => each.code === cell.code);
      return other === undefined || Math.abs(other.area_m2 - cell.area_m2) + Math.abs(other.perimeter_m - cell.perimeter_m) > 0.05 || other.name !== cell.name || other.kind !== cell.kind || list.length === 1;
    });
  return { before: keep(answer.before, answer.after), after: keep(answer.after, answer.before), entities: answer.entities, shared: answer.shared };
});

export const applicable = computed(() => preview.value?.answer !== undefined);

// Take the edit that the preview shows; what is drawn stays if it is refused.
export async function apply() {
  const body = command.peek();
  if (body === null || !applicable.peek()) return;
  const after = preview.peek().answer.after.map((each) => each.code);
  if (!(await edit(body))) return;
  batch(() => {
    setTool(null);
    const kept = selection.peek().filter((code) => cells.peek().has(code));
    selection.value = kept.length > 0 ? kept.slice(0, 1) : after.slice(0, 1);
  });
}

// Cells that are no more are not chosen.
effect(() => {
  const known = cells.value;
  const now = selection.peek();
  if (now.some((code) => !known.has(code))) selection.value = now.filter((code) => known.has(code));
});
