// Distances and areas on the ellipsoid of WGS 84, exact enough for measuring on a screen.

const A = 6378137;
const F = 1 / 298.257223563;
const E2 = F * (2 - F);
const E = Math.sqrt(E2);
const RADIANS = Math.PI / 180;

// Metres between two places: the local radii of curvature at the middle, within 1e-5 up to 100 km.
function between([lon0, lat0], [lon1, lat1]) {
  const steps = Math.max(1, Math.ceil(Math.hypot(lon1 - lon0, lat1 - lat0)));
  let metres = 0;
  for (let step = 0; step < steps; step += 1) {
    const middle = (lat0 + ((lat1 - lat0) * (step + 0.5)) / steps) * RADIANS;
    const w2 = 1 - E2 * Math.sin(middle) ** 2;
    const north = ((A * (1 - E2)) / w2 ** 1.5) * ((lat1 - lat0) / steps) * RADIANS;
    const east = (A / Math.sqrt(w2)) * Math.cos(middle) * ((lon1 - lon0) / steps) * RADIANS;
    metres += Math.hypot(north, east);
  }
  return metres;
}

export function length(places) {
  let metres = 0;
  for (let at = 1; at < places.length; at += 1) metres += between(places[at - 1], places[at]);
  return metres;
}

export const perimeter = (places) => (places.length < 2 ? 0 : length([...places, places[0]]));

// Area between the equator and a latitude over one radian of longitude, in m² (Snyder 1987, 3-12).
function strip(lat) {
  const sine = Math.sin(lat * RADIANS);
  const q = (1 - E2) * (sine / (1 - E2 * sine ** 2) - Math.log((1 - E * sine) / (1 + E * sine)) / (2 * E));
  return (A ** 2 * q) / 2;
}

// Square metres of a ring whose edges are straight in longitude and latitude; Simpson's rule along each edge.
export function ringArea(places) {
  let sum = 0;
  for (let at = 0; at < places.length; at += 1) {
    const [lon0, lat0] = places[at];
    const [lon1, lat1] = places[(at + 1) % places.length];
    sum += ((lon1 - lon0) * RADIANS * (strip(lat0) + 4 * strip((lat0 + lat1) / 2) + strip(lat1))) / 6;
  }
  return Math.abs(sum);
}

// Metres from a place to the nearest edge of a polygon or of several; a plane at the place is exact enough nearby.
export function distanceToBorder([lon, lat], { type, coordinates }) {
  const w2 = 1 - E2 * Math.sin(lat * RADIANS) ** 2;
  const north = ((A * (1 - E2)) / w2 ** 1.5) * RADIANS;
  const east = (A / Math.sqrt(w2)) * Math.cos(lat * RADIANS) * RADIANS;
  const onPlane = ([x, y]) => [(x - lon) * east, (y - lat) * north];
  let nearest = Infinity;
  for (const ring of (type === "Polygon" ? [coordinates] : coordinates).flat()) {
    for (let at = 1; at < ring.length; at += 1) {
      const [[x0, y0], [x1, y1]] = [onPlane(ring[at - 1]), onPlane(ring[at])];
      const [dx, dy] = [x1 - x0, y1 - y0];
      const along = Math.min(1, Math.max(0, -(x0 * dx + y0 * dy) / (dx * dx + dy * dy || 1)));
      nearest = Math.min(nearest, Math.hypot(x0 + along * dx, y0 + along * dy));
    }
  }
  return nearest;
}
