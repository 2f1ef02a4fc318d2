// The message in place of the map: that it is being loaded, that there is nothing to show, or what failed.

import { byId, replace } from "../core/dom.js";
import { t } from "../core/i18n.js";
import { failure } from "../core/notifications.js";
import { current, listen } from "../core/state.js";

export function openMessage() {
  const box = byId("map-message");
  const draw = () => {
    const { message } = current();
    box.hidden = message === null;
    if (message === null) replace(box);
    else replace(box, message.error ? failure(message.error, message.retry) : t(message.word));
  };
  listen(["message", "language"], draw);
  draw();
}
