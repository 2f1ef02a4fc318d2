// What the page says of itself: short notices, texts for screen readers, and the states loading, empty and failed of a part.

import { Refusal, Unreachable } from "./api.js";
import { byId, h } from "./dom.js";
import { t } from "./i18n.js";
import { listen } from "./state.js";

let timer = 0;

// What is said in elements that stay: the text again in another language, by the element.
const sentences = new WeakMap();

// Have an element say what `say` returns, also when the language changes.
export function saying(element, say) {
  sentences.set(element, say);
  element.setAttribute("data-says", "");
  element.textContent = say();
  return element;
}

listen(["language"], () => {
  for (const element of document.querySelectorAll("[data-says]")) element.textContent = sentences.get(element)();
});

// A short notice: `say` returns its text.
export function notify(say) {
  const box = saying(byId("notification"), say);
  box.classList.add("shown");
  clearTimeout(timer);
  timer = setTimeout(() => box.classList.remove("shown"), 3500);
}

// Have a screen reader say something that is not shown.
export function announce(text) {
  byId("announcer").textContent = text;
}

// What an error means to the user.
export function errorMessage(error) {
  if (error instanceof Unreachable) return t("unreachable");
  if (error instanceof Refusal) {
    if (error.status === 401) return t("session_over");
    if (error.status === 403) return t("not_allowed");
    if (error.status === 404) return t("not_found");
    if (error.status === 503) return t("busy");
    return error.requestId ? t("failed_with_id", { id: error.requestId }) : error.message;
  }
  return t("failed");
}

// In place of a part that could not be loaded: why, and a button to try again.
export function failure(error, retry) {
  return h(
    "div",
    { class: "state state-failed", role: "alert" },
    saying(h("p"), () => errorMessage(error)),
    retry ? saying(h("button", { class: "button", type: "button", onclick: retry }), () => t("retry")) : null,
  );
}

export function loading() {
  const bars = Array.from({ length: 4 }, () => h("i", { class: "bone" }));
  return h("div", { class: "state state-loading", role: "status" }, h("span", { class: "visually-hidden" }, t("loading")), bars);
}

export function empty(text) {
  return h("p", { class: "state state-empty" }, text);
}
