// The share tool: a link to what is shown, on the clipboard.

import { t } from "../core/i18n.js";
import { notify } from "../core/notifications.js";
import { writeAddress } from "../core/permalink.js";
import { addTool } from "./tool_card.js";

// Browsers give the clipboard to pages over HTTPS only; elsewhere the text is copied from a selected field.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

export function openShare() {
  addTool({
    key: "share",
    sign: "link",
    start: () => {
      writeAddress();
      copy(location.href).then(() => notify(() => t("share_done")));
    },
  });
}
