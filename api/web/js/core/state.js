// What the page shows, in one place: whoever changes it says so, and whoever depends on it hears of it.

const state = {
  scheme: null, // code of the scheme
  at: null, // the day; null is today
  fill: "neighbours", // or the key of a measure
  method: "quantiles",
  classes: 5,
  hidden: new Set(["household", "enterprise", "component", "sensor"]), // keys of layers
  chosen: null, // { kind: "cell" | "entity" | "gap" | "place", … }
  run: null, // number of the gap run, null for the latest
  against: null, // the other day of a comparison
  groupsBelow: 0, // the zoom below which cells are drawn together by area
};

const listeners = [];

export const current = () => state;

// Hear of changes of some keys: listen(["scheme", "at"], (state, changed) => …).
export function listen(keys, deed) {
  listeners.push({ keys: new Set(keys), deed });
}

export function change(values) {
  const changed = new Set(Object.keys(values).filter((key) => state[key] !== values[key]));
  if (changed.size === 0) return;
  Object.assign(state, values);
  for (const { keys, deed } of listeners) {
    if ([...keys].some((key) => changed.has(key))) deed(state, changed);
  }
}

export function toggle(layer, shown) {
  const hidden = new Set(state.hidden);
  if (shown) hidden.delete(layer);
  else hidden.add(layer);
  change({ hidden });
}
