// Where a polygon is labelled: the middle of its widest stretch on the line halfway up, which lies within it.

const HALFWAY = 0.5000001; // not quite, so that the line meets no vertex of cells whose vertices are in rows

function stretch(rings) {
  const ys = rings[0].map(([, y]) => y);
  const y = Math.min(...ys) + (Math.max(...ys) - Math.min(...ys)) * HALFWAY;
  const crossings = [];
  for (const ring of rings) {
    for (let at = 1; at < ring.length; at += 1) {
      const [[x0, y0], [x1, y1]] = [ring[at - 1], ring[at]];
      if (y0 > y !== y1 > y) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
    }
  }
  crossings.sort((a, b) => a - b);
  let best = { width: -1, point: rings[0][0] };
  for (let at = 1; at < crossings.length; at += 2) {
    const width = crossings[at] - crossings[at - 1];
    if (width > best.width) best = { width, point: [(crossings[at] + crossings[at - 1]) / 2, y] };
  }
  return best;
}

export function labelPoint({ type, coordinates }) {
  const parts = (type === "Polygon" ? [coordinates] : coordinates).map(stretch);
  return parts.reduce((best, each) => (each.width > best.width ? each : best)).point;
}
