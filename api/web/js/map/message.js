// The message in place of the map: that it is being loaded, that there is nothing to show, or what failed.

import { byId, h, replace } from "../core/dom.js";
import { t } from "../core/i18n.js";
import { failure } from "../core/notifications.js";
import { current, listen } from "../core/state.js";

// What to do where there is nothing to show yet: the commands that lead from one's own files to one's own map.
function steps(word) {
  const commands = { no_schemes: ["load areas FILE", "scheme create CODE NAME", "plan divide CODE --name NAME", "plan publish PLAN", "load entities FILE", "load officers FILE"] }[word];
  if (commands === undefined) return null;
  const row = (command, at) => h("li", {}, h("code", {}, `wangge ${command}`), h("span", {}, t(`${word}_${at + 1}`)));
  return [h("p", {}, t(`${word}_lead`)), h("ol", { class: "steps" }, commands.map(row)), h("p", { class: "note" }, t(`${word}_help`))];
}

export function openMessage() {
  const box = byId("map-message");
  const draw = () => {
    const { message } = current();
    box.hidden = message === null;
    if (message === null) replace(box);
    else replace(box, message.error ? failure(message.error, message.retry) : [h("b", {}, t(message.word)), steps(message.word)]);
  };
  listen(["message", "language"], draw);
  draw();
}
