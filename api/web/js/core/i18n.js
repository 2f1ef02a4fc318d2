// The language of the page: which one, how words are looked up, and how the document's own are put in place.

import { WORDS } from "./words.js";

const KEY = "wangge.language";
const CODES = { zh: "zh-CN", en: "en" };

let language = "zh";
const listeners = [];

export const currentLanguage = () => language;
export const locale = () => CODES[language];

// Whoever has chosen before keeps it; others get what the browser prefers.
export function chooseFirstLanguage(asked = null) {
  let kept = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch {
    // A browser that keeps nothing is asked again each time.
  }
  const preferred = (navigator.languages ?? [navigator.language]).find((each) => /^(zh|en)/i.test(each));
  language = [asked, kept, preferred?.slice(0, 2).toLowerCase(), "zh"].find((each) => each in CODES);
  translate(document);
}

export function setLanguage(chosen) {
  if (chosen === language || !(chosen in CODES)) return;
  language = chosen;
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // See above.
  }
  translate(document);
  for (const listener of listeners) listener(language);
}

export function onLanguage(listener) {
  listeners.push(listener);
}

// Look a word up: t("more", { n: 3 }); what has no entry is shown as it is.
export function t(key, values = {}) {
  const entry = WORDS[key];
  const text = entry === undefined ? key : entry[language === "zh" ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

export const known = (key) => key in WORDS;

// A word for a value of data, such as a kind of entity; the value itself where there is none.
export function word(group, value) {
  const key = `${group}.${value}`;
  return known(key) ? t(key) : String(value);
}

// Elements name their words: data-t for the text, data-t-label for aria-label, data-t-title, data-t-hint.
function translate(root) {
  document.documentElement.lang = CODES[language];
  const places = { "data-t": null, "data-t-label": "aria-label", "data-t-title": "title", "data-t-hint": "placeholder" };
  for (const [marker, attribute] of Object.entries(places)) {
    for (const element of root.querySelectorAll(`[${marker}]`)) {
      const text = t(element.getAttribute(marker));
      if (attribute === null) element.textContent = text;
      else element.setAttribute(attribute, text);
    }
  }
}
