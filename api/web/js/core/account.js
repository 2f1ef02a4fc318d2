// Who is signed in, what they may see, and how they sign out.

import { ask } from "./api.js";
import { byId, h, icon, replace } from "./dom.js";
import { t, word } from "./i18n.js";
import { openAfresh } from "./permalink.js";
import { may } from "./session.js";
import { current, listen } from "./state.js";

export function openAccount() {
  const { session } = current();
  const button = byId("account-button");
  const menu = byId("account-menu");
  let areaName = session.area_code;
  const links = [["./", "monitor_page"], ...(may("draft") ? [["plan", "plan_page"]] : []), ["docs", "api_docs"]];
  let open = false;

  const show = (shown) => {
    open = shown;
    menu.hidden = !shown;
    button.setAttribute("aria-expanded", String(shown));
  };
  const signOut = async () => {
    try {
      await ask("v1/session", { method: "DELETE", quiet: true });
    } finally {
      openAfresh();
    }
  };
  const draw = () => {
    replace(button, icon("person"), h("span", {}, session.name));
    const area = session.area_code === null ? t("everywhere") : areaName;
    replace(
      menu,
      h("p", {}, h("b", {}, session.name)),
      h("p", { class: "small quiet" }, t("signed_in_as", { role: word("role", session.role), area })),
      links.map(([href, key]) => h("p", { class: "small" }, h("a", { href }, t(key)))),
      h("button", { class: "button", type: "button", onclick: signOut }, t("sign_out")),
    );
  };
  button.addEventListener("click", () => show(!open));
  document.addEventListener("click", (event) => {
    if (!byId("account").contains(event.target)) show(false);
  });
  byId("account").addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      show(false);
      button.focus();
    }
  });
  listen(["language"], draw);
  draw();
  if (session.area_code !== null) {
    ask(`v1/areas/${encodeURIComponent(session.area_code)}`).then((area) => {
      areaName = area.name;
      draw();
    }, () => {});
  }
}
