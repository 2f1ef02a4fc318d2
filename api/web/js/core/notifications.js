// What the page says of itself: short notices, texts for screen readers, and the states loading, empty and failed of a part.

import { Refusal, Unreachable } from "./api.js";
import { byId, h } from "./dom.js";
import { t } from "./i18n.js";

let timer = 0;

export function notify(text) {
  const box = byId("notification");
  box.textContent = text;
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
    h("p", {}, errorMessage(error)),
    retry ? h("button", { class: "button", type: "button", onclick: retry }, t("retry")) : null,
  );
}

export function loading() {
  const bars = Array.from({ length: 4 }, () => h("i", { class: "bone" }));
  return h("div", { class: "state state-loading", role: "status" }, h("span", { class: "visually-hidden" }, t("loading")), bars);
}

export function empty(text) {
  return h("p", { class: "state state-empty" }, text);
}
