// Marks of what has changed between two days, at the middle of each cell or gap: rings for cells, dots for gaps.

const SOURCE = "changes";

// What has come is green for cells and red for gaps, what has gone the other way round.
export const CHANGE_COLOURS = {
  begun: "#1b7837",
  ended: "#b3261e",
  changed: "#6a3d9a",
  appeared: "#b3261e",
  gone: "#1b7837",
  lasting: "#566470",
};

const colour = ["match", ["get", "change"], ...Object.entries(CHANGE_COLOURS).flat(), "#566470"];
const isGap = ["==", ["get", "of"], "gap"];

function feature({ of, change, box: [west, south, east, north] }) {
  const coordinates = [(west + east) / 2, (south + north) / 2];
  return { type: "Feature", properties: { of, change }, geometry: { type: "Point", coordinates } };
}

export function removeChangeMarks(map) {
  for (const id of ["change-cells", "change-gaps"]) if (map.getLayer(id)) map.removeLayer(id);
  if (map.getSource(SOURCE)) map.removeSource(SOURCE);
}

// Mark what is given as { of: "cell" or "gap", change, box }, in place of the marks that are there.
export function showChangeMarks(map, marked) {
  removeChangeMarks(map);
  map.addSource(SOURCE, { type: "geojson", data: { type: "FeatureCollection", features: marked.map(feature) } });
  map.addLayer({ id: "change-cells", type: "circle", source: SOURCE, filter: ["!", isGap], paint: { "circle-radius": 7, "circle-color": "rgba(255, 255, 255, 0.35)", "circle-stroke-color": colour, "circle-stroke-width": 3 } });
  map.addLayer({ id: "change-gaps", type: "circle", source: SOURCE, filter: isGap, paint: { "circle-radius": ["case", ["==", ["get", "change"], "lasting"], 3, 5], "circle-color": colour, "circle-stroke-color": "#fff", "circle-stroke-width": 1.5 } });
}
