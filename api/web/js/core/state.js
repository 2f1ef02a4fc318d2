// The state of the page: this module owns it, `change` is the only way to write it, and `listen` the only channel on
// which other modules learn of changes.

const state = {
  // Who uses the page.
  session: null, // as the service describes it; null while nobody is signed in
  language: null, // "zh" or "en"

  // What the user has chosen.
  scheme: null, // code of the scheme
  at: null, // the day; null is today
  fill: "neighbours", // or the key of a measure
  method: "quantiles",
  classes: 5,
  hidden: new Set(), // keys of layers
  chosen: null, // { kind, … }: the kinds are those of the sheets
  run: null, // number of the gap run; null for none
  against: null, // the other day of a comparison
  tool: null, // { key, takesClicks } of the tool that is on

  // What the service has for these choices.
  schemes: [],
  measures: [], // what cells can be coloured by, as the service describes it
  days: [], // on which plans of the scheme came into force, the latest first
  runs: [], // gap runs of the scheme, the latest first
  gapKinds: [], // the kinds of gaps, as the service describes them
  severityColours: {}, // by the name of the severity, as the service describes them
  revision: 0, // raised to have the cells and their figures read again

  // What the page shows.
  view: null, // where the map is: { zoom, center: [lon, lat] }
  bounds: null, // the box of all that the map can show
  groupsBelow: 0, // the zoom below which cells are drawn together by area
  shownClasses: null, // the classes by which the cells on the map are coloured; null for neighbours
  pointed: null, // the feature of the cell beneath the pointer
  message: null, // shown in place of the map: { word } or { error, retry }
  folded: false, // whether the panel is folded where the screen is narrow
};

const listeners = [];

export const current = () => state;

// Call `listener(state, changed)` whenever one of these keys has changed: listen(["scheme", "at"], (state, changed) => …).
export function listen(keys, listener) {
  listeners.push({ keys, listener });
}

export function change(values) {
  const changed = new Set(Object.keys(values).filter((key) => state[key] !== values[key]));
  if (changed.size === 0) return;
  Object.assign(state, values);
  for (const { keys, listener } of listeners) {
    if (keys.some((key) => changed.has(key))) listener(state, changed);
  }
}

export function toggleLayer(layer, shown) {
  const hidden = new Set(state.hidden);
  if (shown) hidden.delete(layer);
  else hidden.add(layer);
  change({ hidden });
}

// Have the cells and their figures read again.
export function refresh() {
  change({ revision: state.revision + 1 });
}
