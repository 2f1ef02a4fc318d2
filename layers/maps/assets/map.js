// The map's state and its reactions: reading the data, colours, hover, click, search, and what the browser's
// window asks for. Painting is canvas.js's, the panels' contents panel.js's.
(function () {
  const element = (id) => document.getElementById(id);

  wangge.NO_DATA = "#d4d4d0";
  // Opacity of the palette over the base map, two hexadecimal digits.
  wangge.TINT = "59";

  wangge.classOf = function (field, value) {
    if (value === null || value === undefined) return -1;
    let k = 0;
    while (k < field.ranges.length - 1 && value > field.ranges[k][1]) k++;
    return k;
  };
  wangge.classColour = (field, k) => (k < 0 ? wangge.NO_DATA : field.tints[k]);

  const prepare = function () {
    const state = JSON.parse(element("wangge-data").textContent);
    const cells = state.cells;
    cells.store = new wangge.Store(cells.geo);
    cells.anchors = cells.anchor && wangge.points(cells.anchor);
    cells.row = new Map(cells.code.map((code, f) => [code, f]));
    if (state.areas) prepareAreas(state.areas);
    wangge.SEVERITY = state.severity_colours;
    if (state.gaps) state.gaps.store = new wangge.Store(state.gaps.geo);
    if (state.units) state.units.store = new wangge.Store(state.units.geo);
    state.layers.forEach((layer, i) => {
      layer.store = new wangge.Store(layer.geo);
      layer.colour = wangge.MARKS[i % wangge.MARKS.length];
    });
    state.base.forEach((layer) => { layer.store = new wangge.Store(layer.geo); });
    state.on = { cells: true, units: true, areas: true, gaps: true, labels: true };
    state.base.forEach((layer) => { state.on["base:" + layer.key] = true; });
    state.layers.forEach((layer, i) => { state.on["layer:" + layer.key] = layer.store.n <= 200; });
    state.fill = cells.fields.some((field) => field.key === state.measure) ? state.measure : "";
    return state;
  };

  const prepareAreas = function (areas) {
    areas.store = new wangge.Store(areas.geo);
    areas.anchors = areas.anchor && wangge.points(areas.anchor);
    areas.row = new Map(areas.code.map((code, f) => [code, f]));
    areas.deepest = areas.depth.reduce((a, b) => Math.max(a, b), 0);
    areas.typical = [];
    const box = areas.store.box;
    for (let depth = 0; depth <= areas.deepest; depth++) {
      const spans = [];
      areas.depth.forEach((d, f) => { if (d === depth && !areas.store.empty(f)) spans.push(box[4 * f + 2] - box[4 * f]); });
      spans.sort((a, b) => a - b);
      areas.typical.push(spans[spans.length >> 1] || 0);
    }
    // The deepest level whose names mostly fit, and no deeper.
    areas.labelDepth = function (scale) {
      for (let depth = areas.deepest; depth > 0; depth--) if (areas.typical[depth] * scale > 74) return depth;
      return 0;
    };
  };

  const accessors = function (state) {
    const cells = state.cells;
    state.codeOf = (f) => cells.code[f];
    state.nameOf = (f) => (cells.name && cells.name[f] !== cells.code[f] ? cells.name[f] : "");
    state.areaCode = (f) => (cells.area ? cells.area.values[cells.area.index[f]] || "" : "");
    state.kindOf = function (f) {
      const kind = cells.kind ? cells.kind.values[cells.kind.index[f]] || "" : "";
      return state.kinds[kind] || kind;
    };
    // What a code adds to its area's code.
    state.shortOf = function (f) {
      const code = cells.code[f], area = state.areaCode(f);
      const rest = area && code.startsWith(area) ? code.slice(area.length) : code.length > 6 ? code.slice(-4) : code;
      return rest.replace(/^[-_/ ]+/, "") || code;
    };
    state.areaName = function (code) {
      const f = state.areas ? state.areas.row.get(code) : undefined;
      return f === undefined ? code : state.areas.name[f] || code;
    };
    state.areaPath = function (code) {
      const names = [], seen = new Set();
      while (code && !seen.has(code)) {
        seen.add(code);
        names.unshift(state.areaName(code));
        const f = state.areas ? state.areas.row.get(code) : undefined;
        code = f === undefined ? "" : state.areas.parent[f];
      }
      return names.join(" · ");
    };
    state.fieldOf = (key) => cells.fields.find((field) => field.key === key);
    const tint = (colour) => colour + wangge.TINT;
    state.colourOf = function (f, size) {
      const field = state.fill && state.fieldOf(state.fill);
      if (field) return wangge.classColour(field, wangge.classOf(field, field.values[f])) + "d9";
      // Small cells in six colours are noise; there the colour of their area shows.
      if (size < (state.areas ? 16 : 6)) {
        const area = state.areas ? state.areas.row.get(state.areaCode(f)) : undefined;
        return tint(area === undefined ? "#8fb3bd" : state.palette[+state.areas.colour[area]]);
      }
      return tint(state.palette[+cells.colour[f]]);
    };
  };

  wangge.start = function (map) {
    const state = prepare();
    accessors(state);
    wangge.state = state;
    wangge.map = map;
    const pane = (name, z) => { map.createPane(name).style.zIndex = z; return name; };
    state.painted = [
      new wangge.PaintedLayer(wangge.paintGround(state), { pane: pane("wg-ground", 210) }),
      new wangge.PaintedLayer(wangge.paintCells(state), { pane: pane("wg-cells", 220) }),
      new wangge.PaintedLayer(wangge.paintOverlay(state), { pane: pane("wg-overlay", 230) }),
    ];
    state.repaint = () => state.painted.forEach((layer) => layer.repaint());
    map.setMinZoom(3);
    map.setMaxZoom(20);

    state.margins = function () {
      const narrow = window.innerWidth < 760;
      return narrow
        ? { paddingTopLeft: [16, 116], paddingBottomRight: [16, state.chosen === undefined ? 70 : element("wg-sheet").offsetHeight + 24] }
        : { paddingTopLeft: [348, 96], paddingBottomRight: [state.chosen === undefined ? 40 : 372, 40] };
    };
    state.whole = (animate) => map.fitBounds(state.cells.store.latlngBounds(), { ...state.margins(), animate: !!animate });
    // Leaflet's flight shows every zoom between; this animates a short way and jumps a long one.
    // While a zoom is under way Leaflet takes no other view, so the last one asked for waits for its end.
    let wanted = null;
    const go = () => { const bounds = wanted; wanted = null; map.fitBounds(bounds, { ...state.margins(), maxZoom: 17 }); };
    state.fly = (bounds) => {
      const waiting = wanted !== null;
      wanted = bounds;
      if (waiting) return;
      if (map._animatingZoom) map.once("zoomend", go); else go();
    };
    wangge.panel(state);
    state.whole(false);
    state.painted.forEach((layer) => layer.addTo(map));
    L.control.scale({ imperial: false, position: "bottomright", maxWidth: 120 }).addTo(map);

    pointing(state, map);
    wangge.search(state);
    window.addEventListener("beforeprint", () => { map.invalidateSize({ animate: false }); state.whole(false); });
    window.addEventListener("afterprint", () => map.invalidateSize({ animate: false }));
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") state.choose(undefined); });
    // Tests and print wait for this.
    document.documentElement.dataset.ready = "true";
  };

  const pointing = function (state, map) {
    map.createPane("wg-marks").style.zIndex = 420;
    map.getPane("wg-marks").style.pointerEvents = "none";
    const renderer = L.svg({ pane: "wg-marks", padding: 0.5 });
    const outline = (style) => ({ renderer, pane: "wg-marks", interactive: false, fill: false, ...style });
    const marks = {};
    const mark = function (name, f, style) {
      if (marks[name]) marks[name].remove();
      marks[name] = f === undefined ? null : L.polygon(state.cells.store.latlngs(f), outline(style)).addTo(map);
    };
    const tip = element("wg-tip");

    const spot = function (event) {
      const p = L.CRS.EPSG3857.latLngToPoint(event.latlng, 0);
      return [p.x, p.y, Math.pow(2, map.getZoom())];
    };
    const cellAt = (event) => {
      const [x, y] = spot(event);
      const f = state.on.cells ? state.cells.store.at(x, y, 0) : -1;
      return f < 0 ? undefined : f;
    };
    const entityAt = function (event) {
      const [x, y, scale] = spot(event);
      for (const layer of state.layers) {
        if (!state.on["layer:" + layer.key]) continue;
        const f = layer.store.at(x, y, 7 / scale);
        if (f >= 0 && layer.store.dims[f] === "0") return { layer, f };
      }
      return null;
    };

    state.choose = function (f, fly) {
      state.chosen = f;
      mark("chosen", f, { color: "#0b3c49", weight: 3.5 });
      wangge.sheet(state, f);
      if (f === undefined || state.cells.store.empty(f)) return;
      const bounds = state.cells.store.latlngBounds(f);
      if (fly) state.fly(bounds);
      else map.panInside(bounds.getCenter(), state.margins());
    };

    let hovered;
    map.on("mousemove", (event) => {
      const f = cellAt(event), entity = entityAt(event);
      if (f !== hovered) {
        hovered = f;
        mark("hover", f, { color: "#0b3c49", weight: 2, opacity: 0.85 });
        map.getContainer().style.cursor = f === undefined ? "" : "pointer";
      }
      wangge.tip(state, tip, f, entity, event.containerPoint);
    });
    map.on("mouseout", () => {
      hovered = undefined;
      mark("hover");
      tip.hidden = true;
    });
    map.on("click", (event) => {
      tip.hidden = true; // It would lie upon the sheet that opens.
      state.choose(cellAt(event));
    });
  };
})();
