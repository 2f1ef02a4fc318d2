// The circle within which a device says that it is.

import { ACCENT } from "./palette.js";

const SOURCE = "accuracy";
const METRES_OF_DEGREE = 111_320;
const STEPS = 64;

function circle([lon, lat], radius) {
  const east = METRES_OF_DEGREE * Math.cos((lat * Math.PI) / 180);
  const ring = Array.from({ length: STEPS + 1 }, (_, at) => {
    const angle = (at * 2 * Math.PI) / STEPS;
    return [lon + (radius * Math.cos(angle)) / east, lat + (radius * Math.sin(angle)) / METRES_OF_DEGREE];
  });
  return { type: "Polygon", coordinates: [ring] };
}

// Draw the circle around [longitude, latitude], or take it away where that is null.
export function drawAccuracy(map, place, radius = 0) {
  const data = place === null ? { type: "MultiPolygon", coordinates: [] } : circle(place, radius);
  if (map.getSource(SOURCE)) {
    map.getSource(SOURCE).setData(data);
    return;
  }
  map.addSource(SOURCE, { type: "geojson", data });
  map.addLayer({ id: "accuracy-fill", type: "fill", source: SOURCE, paint: { "fill-color": ACCENT, "fill-opacity": 0.14 } });
  map.addLayer({ id: "accuracy-line", type: "line", source: SOURCE, paint: { "line-color": ACCENT, "line-width": 1.5 } });
}
