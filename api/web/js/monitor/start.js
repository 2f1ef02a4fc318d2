// Where the page begins: redeem a link, find out who is signed in, and show the gate or the map.

import { ask, keepCsrf, onSignedOut, Refusal } from "../core/api.js";
import { byId } from "../core/dom.js";
import { chooseFirstLanguage, currentLanguage, onLanguage, setLanguage, t } from "../core/i18n.js";
import { beginAnew, openAgain, readAddress } from "../core/permalink.js";
import { sentence } from "../core/notifications.js";

let signedIn = null;
let shown = null; // whose map the page holds

// The parts of the map are made ready while the service says who is signed in.
function prepared(answer) {
  import("./app.js").catch(() => {});
  return answer;
}

function problem(text) {
  const box = byId("gate-problem");
  box.textContent = text;
  box.hidden = text === "";
}

function showGate(text = "") {
  byId("splash").hidden = true;
  byId("app").hidden = true;
  byId("gate").hidden = false;
  problem(text);
  document.documentElement.dataset.ready = "gate";
  byId("gate-form").elements.name.focus();
}

async function showMap(session) {
  byId("gate").hidden = true;
  if (shown !== null) {
    // What was refused meanwhile is asked for again; nothing of the one before stays with another person.
    byId("splash").hidden = false;
    if (shown === session.name) openAgain();
    else beginAnew();
    return;
  }
  signedIn = session;
  shown = session.name;
  keepCsrf(session.csrf_token);
  byId("splash").hidden = true;
  byId("app").hidden = false;
  const { openApp } = await import("./app.js");
  await openApp(session);
}

function refused(error) {
  if (error instanceof Refusal && error.status === 429) return t("sign_in_wait", { n: error.retryAfter ?? 60 });
  if (error instanceof Refusal && error.status === 401) return t("sign_in_wrong");
  if (error instanceof Refusal && error.status === 422) return t("sign_in_wrong");
  return sentence(error);
}

async function signIn(event) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  const body = { name: form.elements.name.value, password: form.elements.password.value };
  button.disabled = true;
  button.textContent = t("signing_in");
  problem("");
  try {
    const session = await ask("v1/session", { method: "POST", body, quiet: true });
    form.reset();
    await showMap(session);
  } catch (error) {
    problem(refused(error));
    form.elements.password.select();
  } finally {
    button.disabled = false;
    button.textContent = t("sign_in");
  }
}

async function begin() {
  const asked = readAddress();
  chooseFirstLanguage(asked.language);
  byId("gate-form").addEventListener("submit", signIn);
  for (const each of document.querySelectorAll("[data-language-switch]")) {
    each.addEventListener("click", () => setLanguage(currentLanguage() === "zh" ? "en" : "zh"));
  }
  onLanguage(() => problem(""));
  onSignedOut(() => {
    if (signedIn === null) return;
    signedIn = null;
    showGate(t("session_over"));
  });
  if (asked.link !== null) {
    // The secret leaves the address before anything else, so that it stays in no history.
    history.replaceState(null, "", location.pathname + location.search);
    try {
      await showMap(await prepared(ask("v1/session/link", { method: "POST", body: { secret: asked.link }, quiet: true })));
      return;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      showGate(error.status === 429 ? refused(error) : t("link_wrong"));
      return;
    }
  }
  try {
    await showMap(await prepared(ask("v1/session", { quiet: true })));
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) showGate();
    else showGate(sentence(error));
  }
}

begin();
