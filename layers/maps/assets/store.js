"use strict";
// Geometry in typed arrays with a bin index: decodes what layers/maps/encoding.py wrote, and answers which
// features a rectangle or a point meets. How they are drawn is canvas.js's.
const wangge = {};
(function () {
  const WORLD = 256;
  const VALUE = new Uint8Array(128);
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".split("").forEach((c, i) => {
    VALUE[c.charCodeAt(0)] = i;
  });

  wangge.numbers = function (text, signed) {
    let count = 0;
    for (let i = 0; i < text.length; i++) count += VALUE[text.charCodeAt(i)] < 32;
    const out = new Float64Array(count);
    for (let i = 0, k = 0; k < count; k++) {
      let value = 0, unit = 1, digit;
      do {
        digit = VALUE[text.charCodeAt(i++)];
        value += (digit & 31) * unit;
        unit *= 32;
      } while (digit >= 32);
      out[k] = signed ? (value % 2 ? -(value + 1) / 2 : value / 2) : value;
    }
    return out;
  };

  // Web Mercator at zoom 0, in pixels: one multiplication away from the screen at every zoom.
  wangge.points = function (text) {
    const xy = wangge.numbers(text, true);
    let lon = 0, lat = 0;
    for (let i = 0; i < xy.length; i += 2) {
      lon += xy[i];
      lat += xy[i + 1];
      const sine = Math.sin(((Math.max(-85.05, Math.min(85.05, lat / 1e6)) * Math.PI) / 180));
      xy[i] = (lon / 360e6 + 0.5) * WORLD;
      xy[i + 1] = (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * WORLD;
    }
    return xy;
  };

  wangge.latlng = (x, y) => L.CRS.EPSG3857.pointToLatLng(L.point(x, y), 0);

  const cumulate = function (counts) {
    const out = new Uint32Array(counts.length + 1);
    for (let i = 0; i < counts.length; i++) out[i + 1] = out[i] + counts[i];
    return out;
  };

  class Store {
    constructor(geo) {
      this.n = geo.n;
      this.dims = geo.dims;
      this.ringOf = cumulate(wangge.numbers(geo.rings));
      this.start = cumulate(wangge.numbers(geo.sizes));
      this.xy = wangge.points(geo.xy);
      this.box = new Float64Array(4 * this.n);
      this.bounds = [Infinity, Infinity, -Infinity, -Infinity];
      for (let f = 0; f < this.n; f++) {
        const box = [Infinity, Infinity, -Infinity, -Infinity];
        const end = this.start[this.ringOf[f + 1]];
        for (let v = this.start[this.ringOf[f]]; v < end; v++) stretch(box, this.xy[2 * v], this.xy[2 * v + 1]);
        this.box.set(box, 4 * f);
        if (box[0] <= box[2]) {
          stretch(this.bounds, box[0], box[1]);
          stretch(this.bounds, box[2], box[3]);
        }
      }
      this.index();
    }

    empty(f) {
      return !(this.box[4 * f] <= this.box[4 * f + 2]);
    }

    index() {
      this.side = Math.max(1, Math.min(512, Math.ceil(Math.sqrt(this.n) / 1.5)));
      this.stamp = new Uint32Array(this.n);
      this.turn = 0;
      const counts = new Uint32Array(this.side * this.side);
      const visit = (act) => {
        for (let f = 0; f < this.n; f++) {
          if (this.empty(f)) continue;
          const b = this.box.subarray(4 * f, 4 * f + 4);
          this.bins(b[0], b[1], b[2], b[3], (bin) => act(bin, f));
        }
      };
      visit((bin) => counts[bin]++);
      this.first = cumulate(counts);
      this.members = new Uint32Array(this.first[counts.length]);
      const next = this.first.slice();
      visit((bin, f) => { this.members[next[bin]++] = f; });
    }

    bins(west, north, east, south, act) {
      const [w, n, e, s] = this.bounds, side = this.side;
      const column = (x) => Math.max(0, Math.min(side - 1, Math.floor(((x - w) / (e - w || 1)) * side)));
      const row = (y) => Math.max(0, Math.min(side - 1, Math.floor(((y - n) / (s - n || 1)) * side)));
      const c1 = column(east), r0 = row(north), r1 = row(south);
      for (let c = column(west); c <= c1; c++) for (let r = r0; r <= r1; r++) act(r * side + c);
    }

    // Features whose boxes meet the rectangle, in their own order.
    within(west, north, east, south) {
      const found = [];
      if (!(west <= this.bounds[2] && east >= this.bounds[0])) return found;
      if (!(north <= this.bounds[3] && south >= this.bounds[1])) return found;
      const turn = ++this.turn, box = this.box;
      this.bins(west, north, east, south, (bin) => {
        for (let i = this.first[bin]; i < this.first[bin + 1]; i++) {
          const f = this.members[i];
          if (this.stamp[f] === turn) continue;
          this.stamp[f] = turn;
          const k = 4 * f;
          if (box[k] <= east && box[k + 2] >= west && box[k + 1] <= south && box[k + 3] >= north) found.push(f);
        }
      });
      return found.sort((a, b) => a - b);
    }

    contains(f, x, y) {
      let inside = false;
      for (let r = this.ringOf[f]; r < this.ringOf[f + 1]; r++) {
        const a = this.start[r], b = this.start[r + 1];
        for (let i = a, j = b - 1; i < b; j = i++) {
          const xi = this.xy[2 * i], yi = this.xy[2 * i + 1], xj = this.xy[2 * j], yj = this.xy[2 * j + 1];
          if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
        }
      }
      return inside;
    }

    // The polygon at a spot, or the point or polygon's box within `reach`; -1 for none.
    at(x, y, reach) {
      let best = -1, least = Infinity;
      for (const f of this.within(x - reach, y - reach, x + reach, y + reach)) {
        if (this.dims[f] === "2") {
          if (this.contains(f, x, y)) return f;
        } else if (this.dims[f] === "0") {
          for (let v = this.start[this.ringOf[f]]; v < this.start[this.ringOf[f + 1]]; v++) {
            const d = Math.hypot(this.xy[2 * v] - x, this.xy[2 * v + 1] - y);
            if (d <= reach && d < least) [best, least] = [f, d];
          }
        }
      }
      return best;
    }

    latlngs(f) {
      const rings = [];
      for (let r = this.ringOf[f]; r < this.ringOf[f + 1]; r++) {
        const ring = [];
        for (let v = this.start[r]; v < this.start[r + 1]; v++) ring.push(wangge.latlng(this.xy[2 * v], this.xy[2 * v + 1]));
        rings.push(ring);
      }
      return rings;
    }

    latlngBounds(f) {
      const b = f === undefined ? this.bounds : this.box.subarray(4 * f, 4 * f + 4);
      return L.latLngBounds(wangge.latlng(b[0], b[3]), wangge.latlng(b[2], b[1]));
    }

    // The middle width or height of the features, in pixels at zoom 0: what decides how much detail fits.
    typical() {
      if (this.middle === undefined) {
        const spans = [];
        for (let f = 0; f < this.n; f++) {
          if (!this.empty(f)) spans.push(Math.min(this.box[4 * f + 2] - this.box[4 * f], this.box[4 * f + 3] - this.box[4 * f + 1]));
        }
        spans.sort((a, b) => a - b);
        this.middle = spans.length ? spans[spans.length >> 1] : 0;
      }
      return this.middle;
    }
  }

  const stretch = function (box, x, y) {
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x > box[2]) box[2] = x;
    if (y > box[3]) box[3] = y;
  };

  wangge.Store = Store;
})();
