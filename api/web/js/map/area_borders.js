// The weight of the borders of areas by how large the areas in sight are drawn: those of many small ones are faint, so
// that they do not hide the cells.

// The layers of the style by depth, and their width and opacity at full weight.
const BORDERS = { 0: ["area-borders-0", 2.8, 0.95], 1: ["area-borders-1", 2, 0.95], 2: ["area-borders-2", 1.2, 0.8], 3: ["area-borders", 1, 0.8] };

// An area is as wide as its name, in pixels, at the zoom that its label has.
const NAME = 76;
// Pixels across: areas no wider than the first are faintest, areas wider than the second have full weight.
const [SMALL, LARGE] = [30, 300];
const FAINTEST = 0.25;

const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

// From FAINTEST to 1 in quarters: less would have all borders drawn again for every small movement.
function weight(pixels) {
  const share = Math.log(pixels / SMALL) / Math.log(LARGE / SMALL);
  return Math.min(1, Math.max(FAINTEST, Math.round(share * 4) / 4));
}

export function weighAreaBorders(map) {
  const weights = {};
  const weigh = () => {
    if (!map.getSource("areas")) return;
    const zooms = {};
    const bounds = map.getBounds();
    for (const { geometry, properties } of map.querySourceFeatures("areas", { sourceLayer: "area_labels" })) {
      if (bounds.contains(geometry.coordinates)) (zooms[Math.min(properties.depth, 3)] ??= []).push(properties.zoom);
    }
    for (const [depth, [id, width, opacity]] of Object.entries(BORDERS)) {
      const found = zooms[depth] === undefined ? 1 : weight(NAME * 2 ** (map.getZoom() - middle(zooms[depth])));
      if (weights[depth] === found || !map.getLayer(id)) continue;
      weights[depth] = found;
      map.setPaintProperty(id, "line-width", width * found);
      map.setPaintProperty(id, "line-opacity", opacity * (0.4 + 0.6 * found));
    }
  };
  map.on("idle", weigh);
}
