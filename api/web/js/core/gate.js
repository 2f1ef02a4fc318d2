// The gate before a page: redeem a link, find out who is signed in, and show the sign-in form or the page.

import { ask, Refusal } from "./api.js";
import { byId } from "./dom.js";
import { chooseFirstLanguage, setLanguage, t } from "./i18n.js";
import { errorMessage, saying } from "./notifications.js";
import { openAfresh, readAddress, reopen } from "./permalink.js";
import { change, current, listen } from "./state.js";

let openFor = null; // the name of the account for which the page was opened
let load = null; // imports the module whose `openApp` opens the page

// The modules of the page are loaded while the service says who is signed in.
function preloading(answer) {
  load().catch(() => {});
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

// The page of the service for which somebody has come to sign in, which is opened instead of this one.
const NEXT = { docs: "docs" };

async function showPage(session) {
  const next = NEXT[readAddress().next];
  if (next !== undefined) {
    location.replace(next);
    return;
  }
  byId("gate").hidden = true;
  if (openFor !== null) {
    // The page is loaded again: what was refused meanwhile is requested again, and nothing stays for another person.
    byId("splash").hidden = false;
    if (openFor === session.name) reopen();
    else openAfresh();
    return;
  }
  openFor = session.name;
  change({ session });
  byId("splash").hidden = true;
  byId("app").hidden = false;
  const { openApp } = await load();
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
    await showPage(session);
  } catch (error) {
    showProblem(() => refusal(error));
    form.elements.password.select();
  } finally {
    button.disabled = false;
    button.textContent = t("sign_in");
  }
}

// Open the page that a module exports as `openApp` once somebody is signed in.
export async function begin(loadPage) {
  load = loadPage;
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
      await showPage(await preloading(ask("v1/session/link", { method: "POST", body: { secret: given.link }, quiet: true })));
      return;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      showGate(() => (error.status === 429 ? refusal(error) : t("link_wrong")));
      return;
    }
  }
  try {
    await showPage(await preloading(ask("v1/session", { quiet: true })));
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) showGate();
    else showGate(() => errorMessage(error));
  }
}
