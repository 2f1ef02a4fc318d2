// A link to what is shown, on the clipboard.

import { writeAddress } from "../core/permalink.js";
import { toast } from "../core/notifications.js";
import { t } from "../core/i18n.js";
import { addTool } from "./tool_card.js";

// Browsers give the clipboard to pages over https only; elsewhere a selected field does.
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

export function openShare(map) {
  addTool("share", "link", () => {
    writeAddress(map);
    copy(location.href).then(() => toast(t("share_done")));
  });
}
