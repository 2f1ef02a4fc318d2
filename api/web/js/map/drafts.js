// A draft over the cells in force: its borders, dashed, and where its check found something.

const CELLS = "draft-cells";
const FINDINGS = "draft-findings";
const BORDER = "#6a3d9a";

// Faults are red, what is only noted or waived is amber.
export const FINDING_COLOURS = { error: "#b3261e", warning: "#d9730d" };

const colour = ["match", ["get", "severity"], "warning", FINDING_COLOURS.warning, FINDING_COLOURS.error];
// A rule is broken by a whole cell, on which the map is still to be read.
const isRule = ["==", ["get", "kind"], "rule"];
const LAYERS = [
  { id: "draft-findings-fill", type: "fill", source: FINDINGS, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": colour, "fill-opacity": ["case", isRule, 0.08, 0.4] } },
  { id: "draft-cells", type: "line", source: CELLS, paint: { "line-color": BORDER, "line-width": 2, "line-dasharray": [2.5, 1.5] } },
  { id: "draft-findings-line", type: "line", source: FINDINGS, paint: { "line-color": colour, "line-width": 3 } },
];

const feature = ({ geometry, ...properties }) => ({ type: "Feature", properties, geometry });
const collection = (items) => ({ type: "FeatureCollection", features: items.filter((each) => each.geometry !== null).map(feature) });

export function removeDraft(map) {
  for (const { id } of LAYERS) if (map.getLayer(id)) map.removeLayer(id);
  for (const id of [CELLS, FINDINGS]) if (map.getSource(id)) map.removeSource(id);
}

// Draw a draft: its cells and findings as { geometry, … }, in place of the one that is there.
export function drawDraft(map, cells, findings) {
  removeDraft(map);
  map.addSource(CELLS, { type: "geojson", data: collection(cells.map(({ code, geometry }) => ({ code, geometry }))) });
  map.addSource(FINDINGS, { type: "geojson", data: collection(findings.map(({ kind, severity, geometry }) => ({ kind, severity, geometry }))) });
  for (const layer of LAYERS) map.addLayer(layer);
}

// The box of a geometry: west, south, east, north.
export function boxOfGeometry({ coordinates, geometries }) {
  const points = geometries ? geometries.flatMap((each) => each.coordinates).flat(Infinity) : coordinates.flat(Infinity);
  const lons = points.filter((_, at) => at % 2 === 0);
  const lats = points.filter((_, at) => at % 2 === 1);
  const [least, most] = [(a, b) => Math.min(a, b), (a, b) => Math.max(a, b)];
  return [lons.reduce(least), lats.reduce(least), lons.reduce(most), lats.reduce(most)];
}
