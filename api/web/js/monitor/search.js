// The search: cells, areas and entities by code, name or identity, and coordinates as they are typed.

import { ask } from "../core/api.js";
import { byId, debounce, h, replace } from "../core/dom.js";
import { entityKindName } from "../core/entity_kinds.js";
import { place } from "../core/format.js";
import { t } from "../core/i18n.js";
import { announce, errorMessage, notify } from "../core/notifications.js";
import { change, current, listen } from "../core/state.js";
import { flyToBox } from "../map/camera.js";

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
  const find = (path, query) => ask(path, { query: { ...query, limit: LIMIT }, signal });
  const [cells, areas, entities] = await Promise.all([
    scheme === null ? { items: [] } : find(`v1/schemes/${encodeURIComponent(scheme)}/cells`, { text, at, geometry: false }),
    find("v1/areas", { text }),
    find("v1/entities", { text }),
  ]);
  found.push({ group: "group_cells", items: cells.items.map((each) => ({ title: each.name || each.code, under: each.code, go: () => change({ chosen: { kind: "cell", code: each.code, fly: true } }) })) });
  found.push({ group: "group_areas", items: areas.items.map((each) => ({ title: each.name, under: each.code, go: () => goToArea(map, each.code) })) });
  found.push({ group: "group_entities", items: entities.items.map((each) => ({ title: each.name || each.external_id, under: `${entityKindName(each.kind)} · ${each.external_id}`, go: () => change({ chosen: { kind: "entity", id: each.id, fly: true } }) })) });
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
    return notify(errorMessage(error));
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
  let isOpen = false;
  let answered = null; // the text whose results the list shows
  let pending = { text: null, done: null };

  // Results that nobody waits for any more must not open the list again.
  const close = () => {
    aborter?.abort();
    isOpen = false;
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
    active = -1;
  };
  const open = (...children) => {
    replace(list, ...children);
    isOpen = true;
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
    change({ folded: true });
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
      if (error.name !== "AbortError") note(errorMessage(error));
    } finally {
      clearTimeout(waiting);
    }
  };
  // One request for one text: asking again while it is under way waits for the same results.
  const search = () => {
    const text = field.value.trim();
    if (pending.text === text) return pending.done;
    aborter?.abort();
    if (text === "") {
      answered = null;
      close();
      return Promise.resolve();
    }
    const done = answer(text).finally(() => {
      if (pending.done === done) pending = { text: null, done: null };
    });
    pending = { text, done };
    return done;
  };
  const typed = debounce(180, () => {
    if (answered !== field.value.trim()) search();
  });
  field.addEventListener("input", typed);
  field.addEventListener("focus", () => {
    if (field.value.trim() !== "" && !isOpen) search();
  });
  field.addEventListener("blur", () => {
    setTimeout(() => {
      if (document.activeElement !== field) close();
    }, 150);
  });
  field.addEventListener("keydown", async (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      if (isOpen) event.preventDefault();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (options.length) mark((active + (event.key === "ArrowDown" ? 1 : options.length - 1)) % options.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!isOpen || answered !== field.value.trim()) await search();
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
  listen(["language"], close);
}
