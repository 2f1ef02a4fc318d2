// Tiles that could not be loaded: the user is told, and they are requested again. What fails for good, such as what the
// session may not see, is not; why a tile of the intranet fails no browser says.

import { ask } from "../core/api.js";
import { t } from "../core/i18n.js";
import { notify } from "../core/notifications.js";

// Milliseconds until they are requested again, and between two notices: tiles fail by the dozen.
const RETRY_AFTER = 5_000;
const NOTICE_EVERY = 30_000;

let noticed = -NOTICE_EVERY;

// A hole in the grid reads as ground without an owner, so none stays that need not.
export function retryFailedTiles(map) {
  const failed = new Map(); // tiles by the name of their source
  const retry = () => {
    for (const [source, tiles] of failed) if (map.getSource(source)) map.refreshTiles(source, tiles);
    failed.clear();
  };
  map.on("error", ({ error, sourceId, tile }) => {
    // If the session is over, this request says so to the whole page.
    if (error?.status === 401) ask("v1/session").catch(() => {});
    if (tile === undefined || !(error instanceof TypeError || error?.status >= 500)) return;
    if (performance.now() - noticed > NOTICE_EVERY) {
      noticed = performance.now();
      notify(() => t("offline"));
    }
    if (failed.size === 0) setTimeout(retry, RETRY_AFTER);
    failed.set(sourceId, [...(failed.get(sourceId) ?? []), tile.tileID.canonical]);
  });
}
