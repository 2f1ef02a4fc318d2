// The address of what is shown: written as the map and the choices change, read when the page opens.

import { change, current, listen } from "./state.js";
import { settled } from "./dom.js";
import { currentLanguage, known } from "./i18n.js";

const CHOICE = /^[0-9A-Za-z_.-]{1,100}$/;
const NUMBER = /^\d{1,15}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const METHODS = ["quantiles", "natural_breaks", "equal_interval"];

// What is chosen, as the address tells it: a cell by its code, an entity or a gap by its number.
function chosenIn(choice) {
  const code = choice("cell", CHOICE);
  if (code !== null) return { kind: "cell", code };
  const kind = ["entity", "gap"].find((each) => choice(each, NUMBER) !== null);
  return kind === undefined ? null : { kind, id: Number(choice(kind, NUMBER)) };
}

// A day there is, not before the first that the page offers.
function dayIn(choice, name) {
  const day = choice(name, DAY);
  const time = Date.parse(day);
  return time >= Date.parse("1900-01-01") && new Date(time).toISOString().startsWith(day) ? day : null;
}

// Read the address: the choices it holds, the place, and the secret of a one-time link.
export function readAddress(hash = location.hash) {
  const given = new URLSearchParams(hash.slice(1));
  const choice = (name, form) => (form.test(given.get(name) ?? "") ? given.get(name) : null);
  const [zoom, lat, lon] = (given.get("map") ?? "").split("/").map(Number);
  const sound = [zoom, lat, lon].every(Number.isFinite) && Math.abs(lat) < 86 && Math.abs(lon) <= 180;
  return {
    link: given.get("link"),
    language: choice("lang", /^(zh|en)$/),
    view: given.has("map") && sound ? { zoom, center: [lon, lat] } : null,
    scheme: choice("scheme", CHOICE),
    at: dayIn(choice, "at"),
    fill: known(`measure.${given.get("by")}`) ? given.get("by") : null,
    method: METHODS.includes(given.get("method")) ? given.get("method") : null,
    classes: Number(choice("classes", /^[3-9]$/)) || null,
    hidden: given.has("off") ? new Set((given.get("off") || "").split(",").filter(Boolean)) : null,
    chosen: chosenIn(choice),
    against: dayIn(choice, "against"),
  };
}

// Put what an address holds into the state. One that names a place has been written here, and leaves out what is usual;
// what another does not hold stays.
export function adopt(asked) {
  const keys = ["scheme", "at", "fill", "method", "classes", "hidden", "against"];
  const usual = asked.view === null ? {} : { at: null, fill: "neighbours", against: null, chosen: null };
  const held = Object.fromEntries(keys.filter((key) => asked[key] !== null).map((key) => [key, asked[key]]));
  change({ ...usual, ...held });
}

export function writeAddress(map) {
  const { lng, lat } = map.getCenter();
  const state = current();
  const parts = { map: `${map.getZoom().toFixed(2)}/${lat.toFixed(5)}/${lng.toFixed(5)}`, scheme: state.scheme };
  if (state.at !== null) parts.at = state.at;
  if (state.fill !== "neighbours") Object.assign(parts, { by: state.fill, method: state.method, classes: state.classes });
  parts.off = [...state.hidden].sort().join(",");
  if (state.chosen !== null && state.chosen.kind !== "place") parts[state.chosen.kind] = state.chosen.code ?? state.chosen.id;
  if (state.against !== null) parts.against = state.against;
  parts.lang = currentLanguage();
  const written = Object.entries(parts)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll("%2F", "/").replaceAll("%2C", ",")}`);
  const address = `${location.pathname}${location.search}#${written.join("&")}`;
  if (address !== location.pathname + location.search + location.hash) history.replaceState(null, "", address);
}

// Open the page as if nobody had been here, whatever is about to be written into the address.
export function beginAnew() {
  location.replace(location.pathname + location.search);
}

let writeNow = () => {};

// Open the page again with all that was chosen, also a moment ago.
export function openAgain() {
  writeNow();
  location.reload();
}

export function keepAddress(map) {
  writeNow = () => writeAddress(map);
  const write = settled(200, writeNow);
  map.on("moveend", write);
  listen(["scheme", "at", "fill", "method", "classes", "hidden", "chosen", "against"], write);
  write();
}
