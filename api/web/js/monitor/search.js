// The search: what people know by name, number, address or coordinates; people by name for those who may see names.

import { ask } from "../core/api.js";
import { byId, debounce, h, replace } from "../core/dom.js";
import { entityKindName } from "../core/entity_kinds.js";
import { place } from "../core/format.js";
import { t, word } from "../core/i18n.js";
import { download, FORMS } from "../core/lists.js";
import { announce, errorMessage } from "../core/notifications.js";
import { may } from "../core/session.js";
import { change, current, listen } from "../core/state.js";
import { flyToBox } from "../map/camera.js";

const LIMIT = 6;

// How what is found is told and opened, by its sort.
const SORTS = {
  cell: (found) => ({ title: found.name || found.code, under: [found.code, found.area], chosen: { kind: "cell", code: found.code, fly: true } }),
  area: (found) => ({ title: found.name, under: [word("level", found.kind), found.code, found.area], chosen: { kind: "area", code: found.code, fly: true } }),
  entity: (found) => ({
    title: found.name || contact(found) || found.code,
    under: [entityKindName(found.kind), found.code, found.detail, found.area],
    chosen: { kind: "entity", id: found.id, fly: true },
  }),
  officer: (found) => ({ title: found.name ?? found.code, under: [found.name ? found.code : null, found.area], chosen: { kind: "officer", id: found.id } }),
  feature: (found) => ({
    title: found.name,
    under: [word("feature", found.kind)],
    box: found.box,
    chosen: { kind: "place", lon: found.lon, lat: found.lat, name: found.name, detail: word("feature", found.kind) },
  }),
};

// Whom a resident's or enterprise's revealed values name.
const contact = ({ personal }) => personal?.name ?? personal?.contact ?? null;

const reading = ({ datum, lon, lat }) => ({ title: place(lon, lat), under: [t(`search_as_${datum}`)], lon, lat, chosen: { kind: "place", lon, lat } });

// What fits a text, in groups: { group, items }; whether there is a list of it to take away, and whether it is a place.
async function results(text, people, signal) {
  const { scheme, at } = current();
  const { items, locations } = await ask("v1/search", { query: { text, scheme, at, limit: LIMIT, reveal: people || null }, signal });
  const groups = new Map();
  if (locations.length > 0) groups.set("coordinates", locations.map(reading));
  for (const each of items) groups.set(each.type, [...(groups.get(each.type) ?? []), SORTS[each.type](each)]);
  return { groups: [...groups].map(([group, found]) => ({ group: `group_${group}`, items: found })), listed: items.length > 0, located: locations.length > 0 };
}

function open(map, { chosen, box, lon, lat }) {
  if (lon !== undefined) map.jumpTo({ center: [lon, lat], zoom: Math.max(map.getZoom(), 16) });
  change({ chosen });
  if (box) flyToBox(map, box);
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
  const show = (...children) => {
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
    if (!chosen?.people) close();
    if (chosen === undefined) return;
    if (chosen.people) {
      answer(answered, true);
      return;
    }
    if (chosen.form) {
      download("search", chosen.form, chosen.query);
      return;
    }
    change({ folded: true });
    map.getCanvas().focus({ preventScroll: true });
    open(map, chosen);
  };
  const note = (text) => show(h("li", { class: "note", role: "option", "aria-disabled": "true" }, text));
  const option = (item) => {
    const number = options.length;
    const element = h("li", { role: "option", id: `found-${number}`, "aria-selected": "false" }, h("span", {}, item.title), h("small", {}, item.under.filter(Boolean).join(" · ")));
    element.addEventListener("pointerdown", (event) => event.preventDefault());
    element.addEventListener("click", () => pick(number));
    options.push({ element, ...item });
    return element;
  };
  // With `people` names and phones of residents and officers are searched too, which is recorded.
  const answer = async (text, people = false) => {
    aborter?.abort();
    aborter = new AbortController();
    const { signal } = aborter;
    const waiting = setTimeout(() => {
      options = [];
      note(t("loading"));
    }, 400);
    signal.addEventListener("abort", () => clearTimeout(waiting));
    try {
      const { groups, listed, located } = await results(text, people, signal);
      options = [];
      answered = text;
      const rows = groups.flatMap(({ group, items }) => [h("li", { class: "group", role: "presentation" }, t(group)), ...items.map(option)]);
      const found = options.length;
      if (may("reveal") && !people && !located && text.length > 1) rows.push(h("li", { class: "group", role: "presentation" }, t("group_people")), option({ title: t("search_people", { text }), under: [t("reveal_note")], people: true }));
      if (listed) rows.push(h("li", { class: "group", role: "presentation" }, t("group_list")), ...Object.entries(FORMS).map(([form, name]) => option({ title: t(name), under: [], form, query: { text, reveal: people || null } })));
      if (found === 0) rows.unshift(h("li", { class: "note", role: "option", "aria-disabled": "true" }, t("search_none", { text })));
      show(rows);
      mark(found > 0 ? 0 : -1);
      announce(found ? t("search_found", { n: found }) : t("search_none", { text }));
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
      if (answered !== field.value.trim()) return;
      // The offer to search for people is marked first: one Enter alone records nothing.
      if (active < 0 && options.length > 0) mark(0);
      else pick(active);
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
