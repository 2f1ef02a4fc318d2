// The address of what is shown: written as the map and the choices change, read when the page opens.

import { debounce } from "./dom.js";
import { METHODS } from "./measures.js";
import { change, current, listen } from "./state.js";

const CODE = /^[0-9A-Za-z_.-]{1,100}$/;
const NUMBER = /^\d{1,15}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

// What can be chosen by an address, and by what it is known there. A place is not in it.
const CHOSEN = {
  area: { key: "code", form: CODE, read: String },
  cell: { key: "code", form: CODE, read: String },
  entity: { key: "id", form: NUMBER, read: Number },
  officer: { key: "id", form: NUMBER, read: Number },
  gap: { key: "id", form: NUMBER, read: Number },
};

function chosenIn(parameter) {
  for (const [kind, { key, form, read }] of Object.entries(CHOSEN)) {
    const value = parameter(kind, form);
    if (value !== null) return { kind, [key]: read(value) };
  }
  return null;
}

// A day of the calendar, not before the first that the page offers.
function dayIn(parameter, name) {
  const day = parameter(name, DAY);
  const time = Date.parse(day);
  return time >= Date.parse("1900-01-01") && new Date(time).toISOString().startsWith(day) ? day : null;
}

// Read the address: the choices it holds, the place, and the secret of a one-time link.
export function readAddress(hash = location.hash) {
  const given = new URLSearchParams(hash.slice(1));
  const parameter = (name, form) => (form.test(given.get(name) ?? "") ? given.get(name) : null);
  const [zoom, lat, lon] = (given.get("map") ?? "").split("/").map(Number);
  const valid = [zoom, lat, lon].every(Number.isFinite) && Math.abs(lat) < 86 && Math.abs(lon) <= 180;
  return {
    link: given.get("link"),
    next: given.get("next"),
    language: parameter("lang", /^(zh|en)$/),
    view: given.has("map") && valid ? { zoom, center: [lon, lat] } : null,
    scheme: parameter("scheme", CODE),
    at: dayIn(parameter, "at"),
    fill: parameter("by", CODE),
    method: METHODS.includes(given.get("method")) ? given.get("method") : null,
    classes: Number(parameter("classes", /^[3-9]$/)) || null,
    hidden: given.has("off") ? new Set((given.get("off") || "").split(",").filter(Boolean)) : null,
    chosen: chosenIn(parameter),
    against: dayIn(parameter, "against"),
  };
}

// Put the choices of an address into the state. An address with a place was written by the page, which leaves out
// defaults; what any other leaves out stays as it is.
export function adopt(given) {
  const keys = ["scheme", "at", "fill", "method", "classes", "hidden", "against"];
  const defaults = given.view === null ? {} : { at: null, fill: "neighbours", against: null, chosen: null };
  change({ ...defaults, ...Object.fromEntries(keys.filter((key) => given[key] !== null).map((key) => [key, given[key]])) });
}

export function writeAddress() {
  const state = current();
  const { zoom, center: [lon, lat] } = state.view;
  const parts = { map: `${zoom.toFixed(2)}/${lat.toFixed(5)}/${lon.toFixed(5)}`, scheme: state.scheme };
  if (state.at !== null) parts.at = state.at;
  if (state.fill !== "neighbours") Object.assign(parts, { by: state.fill, method: state.method, classes: state.classes });
  parts.off = [...state.hidden].sort().join(",");
  if (state.chosen?.kind in CHOSEN) parts[state.chosen.kind] = state.chosen[CHOSEN[state.chosen.kind].key];
  if (state.against !== null) parts.against = state.against;
  parts.lang = state.language;
  const written = Object.entries(parts)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll("%2F", "/").replaceAll("%2C", ",")}`);
  const address = `${location.pathname}${location.search}#${written.join("&")}`;
  if (address !== location.pathname + location.search + location.hash) history.replaceState(null, "", address);
}

// Open the page without any choice, whatever is about to be written into the address.
export function openAfresh() {
  location.replace(location.pathname + location.search);
}

// Open the page again with all that was chosen, also a moment ago.
export function reopen() {
  if (current().view !== null) writeAddress();
  location.reload();
}

export function keepAddress() {
  listen(["view", "scheme", "at", "fill", "method", "classes", "hidden", "chosen", "against"], debounce(200, writeAddress));
  writeAddress();
}
