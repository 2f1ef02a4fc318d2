// What lies beneath and around the cells: the base map, the areas with their names, and tiles of the intranet.

import { ask, tilesAddress } from "../core/api.js";

// The layers of the base style that a switch stands for, by their source.
const SWITCHES = { areas: "areas", base: "base", intranet: "tiles" };

// A source at the address that this page has: behind a proxy the service does not always know it. The source need not
// hold every layer that the style draws.
async function source(name) {
  const { minzoom, maxzoom, bounds } = await ask(`tiles/${name}.json`);
  return { type: "vector", tiles: [tilesAddress(name)], minzoom, maxzoom, ...(bounds ? { bounds } : {}) };
}

export async function baseStyle() {
  const [style, base, areas] = await Promise.all([ask("styles/calm.json"), source("base"), source("areas")]);
  return { ...style, sources: { base, areas } };
}

// Put the tiles of another server beneath everything, if the page is set up with one.
export function withIntranetTiles(style, tiles) {
  if (tiles === null) return style;
  const background = style.layers.findIndex((layer) => layer.type === "background");
  style.sources.intranet = { type: "raster", tiles: [tiles.url], tileSize: 256, maxzoom: tiles.max_zoom, attribution: tiles.attribution };
  style.layers.splice(background + 1, 0, { id: "intranet", type: "raster", source: "intranet", paint: { "raster-saturation": -0.4, "raster-opacity": 0.85 } });
  return style;
}

export function showBaseMap(map, hidden) {
  for (const { id, source: name } of map.getStyle().layers) {
    if (name in SWITCHES) map.setLayoutProperty(id, "visibility", hidden.has(SWITCHES[name]) ? "none" : "visible");
  }
}
