// The language of the page: how it is chosen, how words are looked up, and how those of the document are put in place.

import { change, current, listen } from "./state.js";
import { WORDS } from "./words.js";

const KEY = "wangge.language";
const CODES = { zh: "zh-CN", en: "en" };

const words = { ...WORDS };

// Add the words of a page to those that all pages have.
export function addWords(more) {
  Object.assign(words, more);
}

export const locale = () => CODES[current().language];

// The language that the address asks for, or the one chosen before, or the one that the browser prefers.
export function chooseFirstLanguage(asked = null) {
  let kept = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch {
    // A browser without storage starts from its preference each time.
  }
  const preferred = (navigator.languages ?? [navigator.language]).find((each) => /^(zh|en)/i.test(each));
  change({ language: [asked, kept, preferred?.slice(0, 2).toLowerCase(), "zh"].find((each) => each in CODES) });
}

export function setLanguage(chosen) {
  if (chosen === current().language || !(chosen in CODES)) return;
  change({ language: chosen });
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // See above.
  }
}

// The text of a key in the language of the page: t("more", { n: 3 }). A key without an entry is returned as it is.
export function t(key, values = {}) {
  const entry = words[key];
  const text = entry === undefined ? key : entry[current().language === "zh" ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

export const hasWord = (key) => key in words;

// The word for a value of data, such as a kind of entity; the value itself where there is none.
export function word(group, value) {
  const key = `${group}.${value}`;
  return hasWord(key) ? t(key) : String(value);
}

// Elements name their words: data-t for the text, data-t-label for aria-label, data-t-title, data-t-hint.
function translateDocument() {
  document.documentElement.lang = locale();
  const places = { "data-t": null, "data-t-label": "aria-label", "data-t-title": "title", "data-t-hint": "placeholder" };
  for (const [marker, attribute] of Object.entries(places)) {
    for (const element of document.querySelectorAll(`[${marker}]`)) {
      const text = t(element.getAttribute(marker));
      if (attribute === null) element.textContent = text;
      else element.setAttribute(attribute, text);
    }
  }
}

// The first of all listeners, so that the others find the document translated.
listen(["language"], translateDocument);
