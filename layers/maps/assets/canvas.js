// Painting: a tile layer that draws on canvas at any fraction of a zoom level, and the painters of ground, cells,
// borders, gaps, entities and labels. What is switched on is the state that map.js keeps.
(function () {
  const SIZE = 512;

  // Leaflet keeps the tiles of one whole zoom level and stretches them; these are drawn for the zoom shown.
  wangge.PaintedLayer = L.GridLayer.extend({
    options: { tileSize: SIZE, updateWhenZooming: false, updateWhenIdle: false, keepBuffer: 1 },
    initialize: function (paint, options) {
      this._painter = paint;
      L.setOptions(this, options);
    },
    createTile: function (coords) {
      // Painted at once, so shown at once: waiting for a frame leaves a slow machine with a blank map.
      const canvas = L.DomUtil.create("canvas", "leaflet-tile leaflet-tile-loaded");
      const ratio = Math.min(window.devicePixelRatio || 1, 2);
      canvas.width = canvas.height = SIZE * ratio;
      canvas.ratio = ratio;
      this._paint(canvas, coords);
      return canvas;
    },
    _paint: function (canvas, coords) {
      // Painted once and shown often: in memory that is quick everywhere, while a machine that only imitates a
      // graphics card stands still for seconds over the paths.
      const ctx = canvas.getContext("2d", { willReadFrequently: true });
      ctx.setTransform(1, 0, 0, 1, 0, 0);
      ctx.clearRect(0, 0, canvas.width, canvas.height);
      ctx.scale(canvas.ratio, canvas.ratio);
      const scale = Math.pow(2, coords.z);
      const view = { scale, zoom: coords.z, left: coords.x * SIZE, top: coords.y * SIZE };
      const pad = 16;
      view.box = [
        (view.left - pad) / scale, (view.top - pad) / scale,
        (view.left + SIZE + pad) / scale, (view.top + SIZE + pad) / scale,
      ];
      this._painter(ctx, view);
    },
    repaint: function () {
      for (const key in this._tiles) this._paint(this._tiles[key].el, this._tiles[key].coords);
    },
    _setView: function (center, zoom, noPrune, noUpdate) {
      if (!noUpdate) {
        this._tileZoom = zoom;
        if (this._abortLoading) this._abortLoading();
        this._updateLevels();
        this._resetGrid();
        this._update(center);
        if (!noPrune) this._pruneTiles();
        this._noPrune = !!noPrune;
      }
      this._setZoomTransforms(center, zoom);
    },
  });

  // Add a feature's rings to the current path: vertices closer than a third of a pixel are dropped, and so is what
  // stays beyond one side of the tile, which cannot be seen but must be dashed, joined and filled.
  const trace = function (ctx, store, f, view, closed) {
    const { scale, left, top } = view, xy = store.xy;
    const [west, north, east, south] = view.box.map((edge, i) => edge * scale - (i % 2 ? top : left));
    const side = (x, y) => (x < west ? 1 : x > east ? 2 : 0) | (y < north ? 4 : y > south ? 8 : 0);
    for (let r = store.ringOf[f]; r < store.ringOf[f + 1]; r++) {
      const a = store.start[r], b = store.start[r + 1];
      let px = xy[2 * a] * scale - left, py = xy[2 * a + 1] * scale - top, beyond = side(px, py), lifted = false;
      ctx.moveTo(px, py);
      for (let v = a + 1; v < b; v++) {
        const x = xy[2 * v] * scale - left, y = xy[2 * v + 1] * scale - top;
        if (Math.abs(x - px) + Math.abs(y - py) < 0.33 && v < b - 1) continue;
        const here = side(x, y);
        if (beyond & here) {
          // The last vertex seen beyond this side stands for all of them until the line comes back.
          lifted = true;
          beyond &= here;
        } else {
          if (lifted) {
            if (closed) ctx.lineTo(px, py);
            else ctx.moveTo(px, py);
            lifted = false;
          }
          ctx.lineTo(x, y);
          beyond = here;
        }
        px = x;
        py = y;
      }
      if (closed && lifted) ctx.lineTo(px, py);
      if (closed) ctx.closePath();
    }
  };

  const dots = function (ctx, store, f, view, radius) {
    for (let v = store.start[store.ringOf[f]]; v < store.start[store.ringOf[f + 1]]; v++) {
      const x = store.xy[2 * v] * view.scale - view.left, y = store.xy[2 * v + 1] * view.scale - view.top;
      ctx.moveTo(x + radius, y);
      ctx.arc(x, y, radius, 0, 7);
    }
  };

  const each = (store, view, act) => store.within(...view.box).forEach(act);
  const clamp = (v, low, high) => Math.max(low, Math.min(high, v));

  // ground ------------------------------------------------------------------------------------------------
  const ROADS = [
    { from: 0, width: (z) => clamp((z - 9) * 0.8, 1, 9), core: "#fffdf7", case: "#d8cbb0" },
    { from: 12, width: (z) => clamp((z - 10.5) * 0.8, 0.8, 7), core: "#ffffff", case: "#d5d3cc" },
    { from: 13.5, width: (z) => clamp((z - 12) * 0.8, 0.6, 5), core: "#ffffff", case: "#dddbd4" },
  ];
  const roads = function (ctx, view, layer) {
    const found = layer.store.within(...view.box);
    for (let rank = 2; rank >= 0; rank--) {
      const style = ROADS[rank];
      if (view.zoom < style.from) continue;
      ctx.beginPath();
      for (const f of found) if ((layer.rank ? +layer.rank[f] : 2) === rank) trace(ctx, layer.store, f, view, false);
      const width = style.width(view.zoom);
      ctx.lineWidth = width + 1.2;
      ctx.strokeStyle = style.case;
      ctx.stroke();
      ctx.lineWidth = width;
      ctx.strokeStyle = style.core;
      ctx.stroke();
    }
  };
  const ground = {
    green: (ctx, view, layer) => surface(ctx, view, layer, "#dde8d3"),
    water: (ctx, view, layer) => surface(ctx, view, layer, "#b9d3df", clamp((view.zoom - 9) * 0.9, 1.2, 10)),
    buildings: (ctx, view, layer) => { if (view.zoom >= 13.5) surface(ctx, view, layer, "#dcd7cd"); },
    railway: function (ctx, view, layer) {
      ctx.beginPath();
      each(layer.store, view, (f) => trace(ctx, layer.store, f, view, false));
      ctx.lineWidth = clamp((view.zoom - 9) * 0.6, 1.2, 3.6);
      ctx.strokeStyle = "#8d949b";
      ctx.stroke();
      ctx.lineWidth = Math.max(0.6, ctx.lineWidth - 1.4);
      ctx.strokeStyle = "#ffffff";
      ctx.lineCap = "butt";
      ctx.setLineDash([8, 8]);
      ctx.stroke();
      ctx.setLineDash([]);
    },
    roads,
  };
  const surface = function (ctx, view, layer, colour, line) {
    const store = layer.store;
    ctx.beginPath();
    const lines = [];
    each(store, view, (f) => (store.dims[f] === "2" ? trace(ctx, store, f, view, true) : lines.push(f)));
    ctx.fillStyle = colour;
    ctx.fill("evenodd");
    if (!line || !lines.length) return;
    ctx.beginPath();
    lines.forEach((f) => trace(ctx, store, f, view, false));
    ctx.strokeStyle = colour;
    ctx.lineWidth = line;
    ctx.stroke();
  };

  wangge.paintGround = function (state) {
    return function (ctx, view) {
      ctx.lineJoin = ctx.lineCap = "round";
      for (const layer of state.base) if (state.on["base:" + layer.key]) ground[layer.key](ctx, view, layer);
    };
  };

  // cells -------------------------------------------------------------------------------------------------
  // Units are faint, and gone where they would hide the cells.
  const unitBorders = function (ctx, view, store) {
    const size = store.typical() * view.scale;
    if (size < 5) return;
    ctx.beginPath();
    for (const f of store.within(...view.box)) trace(ctx, store, f, view, true);
    ctx.lineWidth = clamp(size / 80, 0.4, 0.9);
    ctx.strokeStyle = "rgba(40,58,74,.4)";
    ctx.stroke();
  };

  wangge.paintCells = function (state) {
    const store = state.cells.store;
    // Borders of a colour of their own, or above those of units, stand out.
    const border = state.border || (state.units ? "#283a4a" : null);
    return function (ctx, view) {
      if (!state.on.cells) return;
      const size = store.typical() * view.scale;
      // On small cells they would hide the colours.
      const strong = size < 14 ? null : border;
      const groups = new Map();
      for (const f of store.within(...view.box)) {
        const colour = state.colourOf(f, size);
        if (!groups.has(colour)) groups.set(colour, []);
        groups.get(colour).push(f);
      }
      ctx.lineJoin = "round";
      for (const [colour, members] of groups) {
        ctx.fillStyle = colour;
        for (let i = 0; i < members.length; i += 400) {
          ctx.beginPath();
          for (const f of members.slice(i, i + 400)) trace(ctx, store, f, view, true);
          ctx.fill("evenodd");
          if (size < 5 || strong) continue;
          ctx.lineWidth = clamp(size / 60, 0.4, 1.1);
          ctx.strokeStyle = size < 14 ? "rgba(40,58,74,.28)" : "rgba(40,58,74,.5)";
          ctx.stroke();
        }
      }
      if (state.units && state.on.units) unitBorders(ctx, view, state.units.store);
      if (!strong) return;
      ctx.beginPath();
      for (const f of store.within(...view.box)) trace(ctx, store, f, view, true);
      ctx.lineWidth = clamp(size / 40, 0.5, 2);
      ctx.strokeStyle = strong;
      ctx.stroke();
    };
  };

  // borders, gaps, entities, labels -----------------------------------------------------------------------
  const borders = function (ctx, view, state) {
    const areas = state.areas, deepest = areas.deepest;
    for (let depth = deepest; depth >= 0; depth--) {
      const width = clamp((deepest ? 2.4 : 1.7) - depth * 0.7, 0.9, 2.4) * clamp((view.zoom - 8) / 6, 0.5, 1.25);
      if (depth > 0 && areas.typical[depth] * view.scale < 18) continue;
      ctx.beginPath();
      for (const f of areas.store.within(...view.box)) if (areas.depth[f] === depth) trace(ctx, areas.store, f, view, true);
      ctx.lineJoin = "round";
      ctx.strokeStyle = "rgba(255,255,255,.75)";
      ctx.lineWidth = width + 1.8;
      ctx.stroke();
      ctx.strokeStyle = depth === deepest && depth > 0 ? "#5b6b7b" : "#2b3a4a";
      ctx.lineWidth = width;
      ctx.stroke();
    }
  };

  const hatches = {};
  // Ends of a line across a tile of 8 pixels, in degrees counter-clockwise from east.
  const HATCH_LINES = { 0: [[-1, 4, 9, 4]], 90: [[4, -1, 4, 9]], 45: [], 135: [] };
  for (const shift of [-8, 0, 8]) {
    HATCH_LINES[45].push([shift - 1, 9, shift + 9, -1]);
    HATCH_LINES[135].push([shift - 1, -1, shift + 9, 9]);
  }
  const hatch = function (ctx, level, directions) {
    const key = `${level} ${directions}`;
    if (!hatches[key]) {
      const tile = document.createElement("canvas");
      tile.width = tile.height = 8;
      const pen = tile.getContext("2d");
      pen.strokeStyle = wangge.SEVERITY[level];
      pen.lineWidth = 1.6;
      pen.beginPath();
      for (const [x, y, toX, toY] of directions.flatMap((each) => HATCH_LINES[each])) {
        pen.moveTo(x, y);
        pen.lineTo(toX, toY);
      }
      pen.stroke();
      hatches[key] = tile;
    }
    return ctx.createPattern(hatches[key], "repeat");
  };
  const gaps = function (ctx, view, state) {
    const store = state.gaps.store;
    const found = store.within(...view.box).reverse();
    for (const level of [1, 2, 3]) {
      const of = found.filter((f) => state.gaps.severity[f] === level);
      ctx.beginPath();
      for (const f of of) if (store.dims[f] !== "0") trace(ctx, store, f, view, store.dims[f] === "2");
      ctx.strokeStyle = wangge.SEVERITY[level];
      ctx.lineWidth = 1.4;
      ctx.stroke();
      for (const f of of) {
        if (store.dims[f] !== "2") continue;
        ctx.beginPath();
        trace(ctx, store, f, view, true);
        // A pale ground lets the hatching stand out on dark classes too.
        ctx.globalAlpha = 0.45;
        ctx.fillStyle = "#fff";
        ctx.fill("evenodd");
        ctx.globalAlpha = 0.8;
        ctx.fillStyle = hatch(ctx, level, state.gaps.hatch[state.gaps.kind.index[f]]);
        ctx.fill("evenodd");
        ctx.globalAlpha = 1;
      }
      ctx.beginPath();
      for (const f of of) {
        const b = store.box.subarray(4 * f, 4 * f + 4);
        // A sliver too small to see still gets a mark.
        if (store.dims[f] === "0") dots(ctx, store, f, view, clamp((view.zoom - 9) * 0.7, 2, 5));
        else if (Math.max(b[2] - b[0], b[3] - b[1]) * view.scale < 5) {
          const x = ((b[0] + b[2]) / 2) * view.scale - view.left, y = ((b[1] + b[3]) / 2) * view.scale - view.top;
          ctx.moveTo(x + 2.6, y);
          ctx.arc(x, y, 2.6, 0, 7);
        }
      }
      ctx.fillStyle = wangge.SEVERITY[level];
      ctx.fill();
      ctx.lineWidth = 1;
      ctx.strokeStyle = "#fff";
      ctx.stroke();
    }
  };

  wangge.MARKS = ["#0b7285", "#7048a8", "#a8480a", "#2b6a2f", "#a0265e", "#31568f"];
  const entities = function (ctx, view, layer) {
    const store = layer.store, radius = clamp((view.zoom - 10) * 0.9, 1.4, 5.5);
    const found = store.within(...view.box);
    ctx.beginPath();
    for (const f of found) if (store.dims[f] !== "0") trace(ctx, store, f, view, store.dims[f] === "2");
    ctx.strokeStyle = layer.colour;
    ctx.lineWidth = 1.6;
    ctx.stroke();
    ctx.beginPath();
    for (const f of found) if (store.dims[f] === "0") dots(ctx, store, f, view, radius);
    ctx.fillStyle = layer.colour;
    ctx.fill();
    ctx.lineWidth = radius > 3 ? 1.2 : 0.6;
    ctx.strokeStyle = "rgba(255,255,255,.95)";
    ctx.stroke();
  };

  wangge.FONT = '"PingFang SC","Microsoft YaHei","Noto Sans CJK SC","Source Han Sans SC","WenQuanYi Micro Hei",system-ui,sans-serif';
  const write = function (ctx, text, x, y, size, weight, ink) {
    ctx.font = `${weight} ${size}px ${wangge.FONT}`;
    ctx.lineJoin = "round";
    ctx.lineWidth = 3;
    ctx.strokeStyle = "rgba(255,255,255,.88)";
    ctx.strokeText(text, x, y);
    ctx.fillStyle = ink;
    ctx.fillText(text, x, y);
  };
  // Wide characters count one em, others somewhat more than half.
  const ems = (text) => [...text].reduce((sum, c) => sum + (c.codePointAt(0) > 0x2e80 ? 1.02 : 0.6), 0);

  const label = function (ctx, view, store, anchor, f, texts, size, weight, ink) {
    const k = 4 * f, width = (store.box[k + 2] - store.box[k]) * view.scale;
    const height = (store.box[k + 3] - store.box[k + 1]) * view.scale;
    if (height < size * 1.3) return;
    const text = texts.find((t) => t && ems(t) * size < width * 0.92);
    if (!text) return;
    const x = anchor ? anchor[2 * f] : (store.box[k] + store.box[k + 2]) / 2;
    const y = anchor ? anchor[2 * f + 1] : (store.box[k + 1] + store.box[k + 3]) / 2;
    write(ctx, text, x * view.scale - view.left, y * view.scale - view.top, size, weight, ink);
  };

  const labels = function (ctx, view, state) {
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    const cells = state.cells.store, size = cells.typical() * view.scale;
    if (state.on.cells && size >= 30) {
      // Whole codes for all or for none, as far as they fit.
      const whole = size > ems(state.codeOf(0)) * 12 * 1.1;
      const wide = { ...view, box: [view.box[0] - 200 / view.scale, view.box[1] - 40 / view.scale, view.box[2] + 200 / view.scale, view.box[3] + 40 / view.scale] };
      for (const f of cells.within(...wide.box)) {
        label(ctx, view, cells, state.cells.anchors, f, [whole ? state.codeOf(f) : "", state.shortOf(f)], size > 90 ? 12 : 11, 500, "#22303d");
      }
      return;
    }
    if (!state.areas || !state.on.areas) return;
    for (const name of areaNames(ctx, state.areas, view.scale)) {
      const x = name.x - view.left, y = name.y - view.top;
      if (x + name.half < 0 || x - name.half > SIZE || y < -20 || y > SIZE + 20) continue;
      write(ctx, name.text, x, y, name.size, 600, "#1d2b3a");
    }
  };

  // The names that fit their areas and do not touch each other, larger areas first; laid out once a zoom for all
  // tiles, so that a name across two tiles is the same in both.
  const areaNames = function (ctx, areas, scale) {
    if (areas.layout && areas.layout.scale === scale) return areas.layout.names;
    const depth = areas.labelDepth(scale), box = areas.store.box, names = [];
    const size = depth === 0 && areas.deepest > 0 ? 15 : 12.5;
    const span = (f) => (box[4 * f + 2] - box[4 * f]) * (box[4 * f + 3] - box[4 * f + 1]);
    const order = areas.depth.map((_, f) => f).filter((f) => areas.depth[f] === depth && !areas.store.empty(f));
    const taken = new Map();
    for (const f of order.sort((a, b) => span(b) - span(a) || a - b)) {
      const text = areas.name[f] || areas.code[f], wide = ems(text) * size;
      if (wide > (box[4 * f + 2] - box[4 * f]) * scale * 1.02 || size > (box[4 * f + 3] - box[4 * f + 1]) * scale) continue;
      const k = 4 * f;
      const x = (areas.anchors ? areas.anchors[2 * f] : (box[k] + box[k + 2]) / 2) * scale;
      const y = (areas.anchors ? areas.anchors[2 * f + 1] : (box[k + 1] + box[k + 3]) / 2) * scale;
      const name = { text, x, y, half: wide / 2 + 4, size };
      if (claim(taken, name)) names.push(name);
    }
    areas.layout = { scale, names };
    return names;
  };
  const claim = function (taken, name) {
    const near = [], row = Math.floor(name.y / 20);
    for (let r = row - 1; r <= row + 1; r++) near.push(...(taken.get(r) || []));
    if (near.some((other) => Math.abs(other.y - name.y) < 18 && Math.abs(other.x - name.x) < other.half + name.half)) return false;
    taken.set(row, [...(taken.get(row) || []), name]);
    return true;
  };

  wangge.paintOverlay = function (state) {
    return function (ctx, view) {
      if (state.areas && state.on.areas) borders(ctx, view, state);
      if (state.gaps && state.on.gaps) gaps(ctx, view, state);
      for (const layer of state.layers) if (state.on["layer:" + layer.key]) entities(ctx, view, layer);
      if (state.on.labels) labels(ctx, view, state);
    };
  };
})();
