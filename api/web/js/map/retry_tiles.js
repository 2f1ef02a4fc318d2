// Tiles that did not come: whoever looks at the map is told, and they are asked for again. What fails for good, such as
// what the session may not see, is left to whoever asks for it; why a picture of the intranet's fails no browser tells.

import { ask } from "../core/api.js";
import { t } from "../core/i18n.js";
import { toast } from "../core/notifications.js";

// Milliseconds until they are asked for again, and between two tellings: tiles fail by the dozen.
const AGAIN = 5_000;
const QUIET = 30_000;

let told = -QUIET;

// A hole in the grid reads as ground without an owner, so none stays that need not.
export function fillHoles(map) {
  const missing = new Map(); // tiles by the name of their source
  const again = () => {
    for (const [source, tiles] of missing) if (map.getSource(source)) map.refreshTiles(source, tiles);
    missing.clear();
  };
  map.on("error", ({ error, sourceId, tile }) => {
    // A tile that is refused because the session is over is the session's affair, which asking again tells.
    if (error?.status === 401) ask("v1/session").catch(() => {});
    if (tile === undefined || !(error instanceof TypeError || error?.status >= 500)) return;
    if (performance.now() - told > QUIET) {
      told = performance.now();
      toast(t("offline"));
    }
    if (missing.size === 0) setTimeout(again, AGAIN);
    missing.set(sourceId, [...(missing.get(sourceId) ?? []), tile.tileID.canonical]);
  });
}
