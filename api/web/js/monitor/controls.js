// The controls at the top: the scheme, and the day: today, one on which a plan came into force, or any other.

import { inForceSince } from "../core/days.js";
import { byId, h, replace } from "../core/dom.js";
import { today } from "../core/format.js";
import { t } from "../core/i18n.js";
import { change, current, listen } from "../core/state.js";

const OTHER = "other";

export function openControls() {
  const scheme = byId("scheme");
  const date = byId("date");
  const other = byId("other-day");

  const drawSchemes = () => {
    replace(scheme, current().schemes.map((each) => h("option", { value: each.code }, each.name)));
    scheme.value = current().scheme ?? "";
  };
  const drawDays = () => {
    const { at, days } = current();
    const begun = inForceSince(null);
    const options = [h("option", { value: "" }, begun ? t("today_in_force", { day: begun }) : t("today"))];
    options.push(...days.filter((each) => each !== begun).map((each) => h("option", { value: each }, t("version_from", { day: each }))));
    if (at !== null && (!days.includes(at) || at === begun)) options.push(h("option", { value: at }, t("day_chosen", { day: at })));
    options.push(h("option", { value: OTHER }, t("other_day")));
    replace(date, options);
    date.value = at ?? "";
  };

  scheme.addEventListener("change", () => change({ scheme: scheme.value, chosen: null, run: null }));
  date.addEventListener("change", () => {
    if (date.value === OTHER) {
      other.hidden = false;
      other.value = current().at ?? today();
      other.focus();
      date.value = current().at ?? "";
      return;
    }
    other.hidden = true;
    change({ at: date.value || null });
  });
  other.addEventListener("change", () => {
    // A year that is still being typed is no valid day.
    if (other.value && other.checkValidity()) change({ at: other.value });
  });
  other.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || event.key === "Enter") {
      other.hidden = true;
      date.focus();
    }
  });
  listen(["scheme"], () => {
    scheme.value = current().scheme ?? "";
  });
  listen(["at", "days", "language"], drawDays);
  drawSchemes();
  drawDays();
}
