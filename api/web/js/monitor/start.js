// Where the page begins: redeem a link, find out who is signed in, and show the gate or the map.

import { ask, Refusal } from "../core/api.js";
import { byId } from "../core/dom.js";
import { chooseFirstLanguage, setLanguage, t } from "../core/i18n.js";
import { errorMessage, saying } from "../core/notifications.js";
import { openAfresh, readAddress, reopen } from "../core/permalink.js";
import { change, current, listen } from "../core/state.js";

let mapOf = null; // the name of the account for which the page has opened its map

// The modules of the map are loaded while the service says who is signed in.
function preloading(answer) {
  import("./app.js").catch(() => {});
  return answer;
}

// Show why nobody is signed in: `say` returns it, or there is nothing to say.
function showProblem(say = null) {
  const box = byId("gate-problem");
  saying(box, say ?? (() => ""));
  box.hidden = say === null;
}

function showGate(say = null) {
  byId("splash").hidden = true;
  byId("app").hidden = true;
  byId("gate").hidden = false;
  showProblem(say);
  document.documentElement.dataset.ready = "gate";
  byId("gate-form").elements.name.focus();
}

// The page of the service for which somebody has come to sign in, which is opened instead of the map.
const NEXT = { docs: "docs" };

async function showMap(session) {
  const next = NEXT[readAddress().next];
  if (next !== undefined) {
    location.replace(next);
    return;
  }
  byId("gate").hidden = true;
  if (mapOf !== null) {
    // The page is loaded again: what was refused meanwhile is requested again, and nothing stays for another person.
    byId("splash").hidden = false;
    if (mapOf === session.name) reopen();
    else openAfresh();
    return;
  }
  mapOf = session.name;
  change({ session });
  byId("splash").hidden = true;
  byId("app").hidden = false;
  const { openApp } = await import("./app.js");
  await openApp();
}

// Why signing in was refused.
function refusal(error) {
  if (error instanceof Refusal && error.status === 429) return t("sign_in_wait", { n: error.retryAfter ?? 60 });
  if (error instanceof Refusal && error.status === 401) return t("sign_in_wrong");
  if (error instanceof Refusal && error.status === 422) return t("sign_in_wrong");
  return errorMessage(error);
}

async function signIn(event) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  const body = { name: form.elements.name.value, password: form.elements.password.value };
  button.disabled = true;
  button.textContent = t("signing_in");
  showProblem();
  try {
    const session = await ask("v1/session", { method: "POST", body, quiet: true });
    form.reset();
    await showMap(session);
  } catch (error) {
    showProblem(() => refusal(error));
    form.elements.password.select();
  } finally {
    button.disabled = false;
    button.textContent = t("sign_in");
  }
}

async function begin() {
  const given = readAddress();
  chooseFirstLanguage(given.language);
  byId("gate-form").addEventListener("submit", signIn);
  for (const each of document.querySelectorAll("[data-language-switch]")) {
    each.addEventListener("click", () => setLanguage(current().language === "zh" ? "en" : "zh"));
  }
  listen(["session"], ({ session }) => {
    if (session === null) showGate(() => t("session_over"));
  });
  if (given.link !== null) {
    // The secret leaves the address before anything else, so that it stays in no history.
    history.replaceState(null, "", location.pathname + location.search);
    try {
      await showMap(await preloading(ask("v1/session/link", { method: "POST", body: { secret: given.link }, quiet: true })));
      return;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      showGate(() => (error.status === 429 ? refusal(error) : t("link_wrong")));
      return;
    }
  }
  try {
    await showMap(await preloading(ask("v1/session", { quiet: true })));
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) showGate();
    else showGate(() => errorMessage(error));
  }
}

begin();
