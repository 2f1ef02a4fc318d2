// The search: cells and entities by code, name or identity, areas by name, and coordinates as they are typed.

import { ask } from "../core/api.js";
import { byId, h, replace, settled } from "../core/dom.js";
import { place } from "../core/format.js";
import { flyToBox } from "../sheets/gap.js";
import { onLanguage, t, word } from "../core/i18n.js";
import { fold, isNarrow } from "./panel.js";
import { change, current } from "../core/state.js";
import { announce, sentence, toast } from "../core/notifications.js";

const LIMIT = 6;

// Longitude and latitude in either order, as long as one cannot be the other: 114.05, 22.54.
function coordinates(text) {
  const found = /^\s*([-+]?\d{1,3}(?:\.\d+)?)\s*[,，;\s]\s*([-+]?\d{1,3}(?:\.\d+)?)\s*$/.exec(text);
  if (found === null) return null;
  const [first, second] = [Number(found[1]), Number(found[2])];
  if (Math.abs(first) <= 180 && Math.abs(second) <= 90) return { lon: first, lat: second };
  if (Math.abs(first) <= 90 && Math.abs(second) <= 180) return { lon: second, lat: first };
  return null;
}

async function results(text, map, signal) {
  const { scheme, at } = current();
  const spot = coordinates(text);
  const found = [];
  if (spot !== null) {
    found.push({ group: "coordinates", items: [{ title: place(spot.lon, spot.lat), under: t("search_place"), go: () => goTo(map, spot) }] });
  }
  const question = (path, query) => ask(path, { query: { ...query, limit: LIMIT }, signal });
  const [cells, areas, entities] = await Promise.all([
    scheme === null ? { items: [] } : question(`v1/schemes/${encodeURIComponent(scheme)}/cells`, { text, at, geometry: false }),
    question("v1/areas", { text }),
    question("v1/entities", { text }),
  ]);
  found.push({ group: "group_cells", items: cells.items.map((each) => ({ title: each.name || each.code, under: each.code, go: () => change({ chosen: { kind: "cell", code: each.code, fly: true } }) })) });
  found.push({ group: "group_areas", items: areas.items.map((each) => ({ title: each.name, under: each.code, go: () => goToArea(map, each.code) })) });
  found.push({ group: "group_entities", items: entities.items.map((each) => ({ title: each.name || each.external_id, under: `${word("kind", each.kind)} · ${each.external_id}`, go: () => change({ chosen: { kind: "entity", id: each.id, fly: true } }) })) });
  return found.filter((each) => each.items.length > 0);
}

function goTo(map, { lon, lat }) {
  map.jumpTo({ center: [lon, lat], zoom: Math.max(map.getZoom(), 16) });
  change({ chosen: { kind: "place", lon, lat } });
}

async function goToArea(map, code) {
  let area;
  try {
    area = await ask(`v1/areas/${encodeURIComponent(code)}`);
  } catch (error) {
    return toast(sentence(error));
  }
  const box = [180, 90, -180, -90];
  const widen = (part) => {
    if (typeof part[0] === "number") {
      box[0] = Math.min(box[0], part[0]);
      box[1] = Math.min(box[1], part[1]);
      box[2] = Math.max(box[2], part[0]);
      box[3] = Math.max(box[3], part[1]);
    } else part.forEach(widen);
  };
  widen(area.geometry.coordinates);
  flyToBox(map, box);
  return announce(area.name);
}

export function openSearch(map) {
  const field = byId("query");
  const list = byId("found");
  let options = [];
  let active = -1;
  let aborter = null;
  let answered = null; // the text that the list answers
  let asking = { text: null, done: null };

  // An answer that nobody waits for any more must not open the list again.
  const close = () => {
    aborter?.abort();
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
    active = -1;
  };
  const open = (...children) => {
    replace(list, ...children);
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
  };
  const mark = (at) => {
    active = at;
    options.forEach((each, number) => each.element.setAttribute("aria-selected", String(number === at)));
    if (at < 0) return;
    field.setAttribute("aria-activedescendant", options[at].element.id);
    options[at].element.scrollIntoView({ block: "nearest" });
  };
  const pick = (at) => {
    const chosen = options[at];
    close();
    if (chosen === undefined) return;
    if (isNarrow()) fold(true);
    map.getCanvas().focus({ preventScroll: true });
    chosen.go();
  };
  const note = (text) => open(h("li", { class: "note", role: "option", "aria-disabled": "true" }, text));
  const answer = async (text) => {
    aborter = new AbortController();
    const { signal } = aborter;
    const waiting = setTimeout(() => {
      options = [];
      note(t("loading"));
    }, 400);
    signal.addEventListener("abort", () => clearTimeout(waiting));
    try {
      const groups = await results(text, map, signal);
      options = [];
      answered = text;
      const rows = groups.flatMap((group) => [
        h("li", { class: "group", role: "presentation" }, t(group.group)),
        ...group.items.map((each) => {
          const number = options.length;
          const element = h("li", { role: "option", id: `found-${number}`, "aria-selected": "false" }, h("span", {}, each.title), h("small", {}, each.under));
          element.addEventListener("pointerdown", (event) => event.preventDefault());
          element.addEventListener("click", () => pick(number));
          options.push({ element, go: each.go });
          return element;
        }),
      ]);
      if (options.length === 0) note(t("search_none", { text }));
      else {
        open(rows);
        mark(0);
      }
      announce(options.length ? t("search_found", { n: options.length }) : t("search_none", { text }));
    } catch (error) {
      if (error.name !== "AbortError") note(sentence(error));
    } finally {
      clearTimeout(waiting);
    }
  };
  // One question for one text: whoever asks again while it is under way waits for the same answer.
  const search = () => {
    const text = field.value.trim();
    if (asking.text === text) return asking.done;
    aborter?.abort();
    if (text === "") {
      answered = null;
      close();
      return Promise.resolve();
    }
    const done = answer(text).finally(() => {
      if (asking.done === done) asking = { text: null, done: null };
    });
    asking = { text, done };
    return done;
  };
  const typed = settled(180, () => {
    if (answered !== field.value.trim()) search();
  });
  field.addEventListener("input", typed);
  field.addEventListener("focus", () => {
    if (field.value.trim() !== "" && list.hidden) search();
  });
  field.addEventListener("blur", () => {
    setTimeout(() => {
      if (document.activeElement !== field) close();
    }, 150);
  });
  field.addEventListener("keydown", async (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      if (!list.hidden) event.preventDefault();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (options.length) mark((active + (event.key === "ArrowDown" ? 1 : options.length - 1)) % options.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (list.hidden || answered !== field.value.trim()) await search();
      if (answered === field.value.trim()) pick(Math.max(active, 0));
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      field.focus();
    }
  });
  onLanguage(close);
}
