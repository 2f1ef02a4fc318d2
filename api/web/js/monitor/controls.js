// The choice of scheme and of day: today, the days on which plans came into force, or any other.

import { ask } from "../core/api.js";
import { byId, h, replace } from "../core/dom.js";
import { today } from "../core/format.js";
import { onLanguage, t } from "../core/i18n.js";
import { change, current, listen } from "../core/state.js";
import { sentence, toast } from "../core/notifications.js";

const OTHER = "other";
let days = [];

// The days on which plans of the scheme came into force where the caller sees, the latest first.
const daysOf = async (scheme) => (await ask(`v1/schemes/${encodeURIComponent(scheme)}/days`)).days;

export const daysInForce = () => days;

// The day since which the cells of a day have been in force, as far as plans tell.
export const since = (at) => days.find((each) => each <= (at ?? today())) ?? null;

export function openChoices(schemes) {
  const scheme = byId("scheme");
  const date = byId("date");
  const other = byId("other-day");

  const drawSchemes = () => {
    replace(scheme, schemes.map((each) => h("option", { value: each.code }, each.name)));
    scheme.value = current().scheme ?? "";
  };
  const drawDays = () => {
    const { at } = current();
    const begun = since(null);
    const options = [h("option", { value: "" }, begun ? t("today_in_force", { day: begun }) : t("today"))];
    options.push(...days.filter((each) => each !== begun).map((each) => h("option", { value: each }, t("version_from", { day: each }))));
    if (at !== null && (!days.includes(at) || at === begun)) options.push(h("option", { value: at }, t("day_chosen", { day: at })));
    options.push(h("option", { value: OTHER }, t("other_day")));
    replace(date, options);
    date.value = at ?? "";
  };
  const read = async () => {
    const asked = current().scheme;
    if (asked === null) return;
    try {
      const found = await daysOf(asked);
      if (asked === current().scheme) days = found;
    } catch (error) {
      days = [];
      toast(sentence(error));
    }
    drawDays();
    document.dispatchEvent(new CustomEvent("wangge-days"));
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
    // A year that is still being typed is none yet.
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
    read();
  });
  listen(["at"], drawDays);
  onLanguage(drawDays);
  drawSchemes();
  drawDays();
  read();
  return {
    // Read the days anew; tells whether there are others than before.
    async refresh() {
      const found = await daysOf(current().scheme);
      if (found.join() === days.join()) return false;
      days = found;
      drawDays();
      document.dispatchEvent(new CustomEvent("wangge-days"));
      return true;
    },
  };
}
