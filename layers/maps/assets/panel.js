// The panels around the map: figures, layer switches, legend, list of gaps, the sheet of a cell, tooltip and
// search. Every text from the data is set as text, never as markup.
(function () {
  const element = (id) => document.getElementById(id);
  const make = function (tag, className, content, ...children) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (content !== undefined && content !== null) node.textContent = content;
    node.append(...children);
    return node;
  };
  const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });
  const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

  const squareMetres = (value) =>
    Math.abs(value) >= 1e5 ? short.format(value / 1e6) + " km²" : plain.format(Math.round(value)) + " m²";
  const metres = (value) =>
    Math.abs(value) >= 1e4 ? short.format(value / 1e3) + " km" : plain.format(Math.round(value)) + " m";
  const percent = (value) => plain.format(Math.round(value * 100)) + "%";
  // How the quantities are written that have a way of their own.
  const WRITTEN = { area: squareMetres, length: metres, share: percent };
  const amount = function (value, { quantity, unit }) {
    if (value === null || value === undefined) return "—";
    if (quantity in WRITTEN) return WRITTEN[quantity](value);
    return unit ? `${plain.format(value)} ${unit}` : plain.format(value);
  };
  const total = (field) => field.values.reduce((sum, value) => sum + (value || 0), 0);

  // panel -------------------------------------------------------------------------------------------------
  wangge.panel = function (state) {
    const words = state.words, body = element("wg-panel-body");
    element("wg-title").textContent = state.title;
    element("wg-subtitle").textContent = [state.plan, state.date].filter(Boolean).join(" · ");
    const credit = [];
    if (state.synthetic) {
      credit.push(words.synthetic);
      element("wg-subtitle").append(make("span", "wg-badge", words.synthetic));
    }
    if (state.cells.simplified_m) credit.push(words.simplified.replace("{m}", state.cells.simplified_m));
    credit.push(words.drawn_on + " " + state.date);
    element("wg-attribution").textContent = credit.join(" · ");

    const opener = element("wg-panel-switch");
    opener.textContent = words.panel;
    const narrow = window.matchMedia("(max-width: 759px)");
    const open = function (yes) {
      element("wg-panel").classList.toggle("wg-folded", !yes);
      opener.setAttribute("aria-expanded", String(yes));
    };
    opener.addEventListener("click", () => open(element("wg-panel").classList.contains("wg-folded")));
    open(!narrow.matches);
    // A title may take two lines; the panel starts below it.
    const settle = () => document.documentElement.style.setProperty("--head", document.querySelector(".wg-heading").offsetHeight + "px");
    settle();
    window.addEventListener("resize", settle);

    body.append(figures(state), colours(state), switches(state));
    body.append(gapList(state));
    const foot = make("div", "wg-actions");
    foot.append(button(words.whole, () => state.whole(true)), button(words.print, () => window.print()));
    body.append(foot);
  };

  const button = function (text, act) {
    const node = make("button", "wg-button", text);
    node.type = "button";
    node.addEventListener("click", act);
    return node;
  };

  const figures = function (state) {
    const grid = make("section", "wg-figures");
    const figure = (label, value, alarm) =>
      grid.append(make("div", alarm ? "wg-figure wg-alarm" : "wg-figure", null, make("b", "", value), make("span", "", label)));
    figure(state.words.cells, plain.format(state.cells.code.length));
    for (const field of state.cells.fields) {
      if (!field.total || grid.children.length >= 5) continue;
      figure(field.quantity === "area" ? state.words.total_area : field.label, amount(total(field), field));
    }
    if (state.gaps) figure(state.words.gaps, plain.format(state.gaps.total), state.gaps.total > 0);
    else figure(state.words.gaps, "—");
    return grid;
  };

  const colours = function (state) {
    const section = make("section", "wg-section");
    const select = make("select", "wg-select");
    select.id = "wg-fill";
    select.add(new Option(state.words.fill_none, ""));
    for (const field of state.cells.fields) if (field.ranges.length > 1) select.add(new Option(field.label, field.key));
    if (state.fill && state.fieldOf(state.fill).ranges.length < 2) select.add(new Option(state.fieldOf(state.fill).label, state.fill));
    select.value = state.fill;
    const label = make("label", "wg-label", state.words.fill);
    label.htmlFor = "wg-fill";
    const legend = make("div", "wg-legend");
    legend.id = "wg-legend";
    const draw = function () {
      legend.replaceChildren(...legendRows(state));
    };
    select.addEventListener("change", () => {
      state.fill = select.value;
      draw();
      state.repaint();
    });
    draw();
    section.append(label, select, legend);
    return section;
  };

  const legendRows = function (state) {
    const swatch = (colour, text) => {
      const chip = make("i", "wg-chip");
      chip.style.background = colour;
      return make("div", "wg-class", null, chip, make("span", "", text));
    };
    const field = state.fill && state.fieldOf(state.fill);
    if (!field) {
      const row = make("div", "wg-strip");
      for (const colour of state.palette) {
        const chip = make("i");
        chip.style.background = colour + wangge.TINT;
        row.append(chip);
      }
      return [row];
    }
    const rows = [make("div", "wg-quiet", `${state.words.method} · ${state.words[state.method]}`)];
    field.ranges.forEach((range, k) => {
      const [low, high] = range.map((value) => amount(value, field));
      rows.push(swatch(wangge.classColour(field, k), low === high ? low : `${low} – ${high}`));
    });
    if (field.values.includes(null)) rows.push(swatch(wangge.NO_DATA, state.words.no_data));
    return rows;
  };

  const switches = function (state) {
    const section = make("section", "wg-section");
    section.append(make("h2", "", state.words.layers));
    const add = function (key, label, mark, count) {
      const box = make("input");
      box.type = "checkbox";
      box.checked = state.on[key];
      box.dataset.layer = key;
      box.addEventListener("change", () => {
        state.on[key] = box.checked;
        state.repaint();
      });
      const row = make("label", "wg-switch", null, box, mark, make("span", "", label));
      if (count !== undefined) row.append(make("em", "", plain.format(count)));
      section.append(row);
    };
    const mark = function (kind, colour) {
      const node = make("i", "wg-mark wg-mark-" + kind);
      if (colour) node.style.setProperty("--mark", colour);
      return node;
    };
    add("cells", state.words.cells, mark("cell"), state.cells.code.length);
    if (state.units) add("units", state.words.units, mark("unit"), state.units.store.n);
    if (state.areas) add("areas", state.words.areas, mark("border"), state.areas.code.length);
    add("labels", state.words.labels, mark("text"));
    if (state.gaps) add("gaps", state.words.gaps, mark("gap"), state.gaps.total);
    for (const layer of state.layers) add("layer:" + layer.key, layer.label, mark("dot", layer.colour), layer.store.n);
    const grounds = { green: "#cfe0c0", water: "#a6c8d8", buildings: "#d0c9bb", railway: "#8d949b", roads: "#d8cbb0" };
    for (const layer of [...state.base].reverse()) add("base:" + layer.key, layer.label, mark("ground", grounds[layer.key]));
    return section;
  };

  // gaps --------------------------------------------------------------------------------------------------
  const LISTED = 200;
  const gapKind = function (state, g) {
    const kind = state.gaps.kind.values[state.gaps.kind.index[g]];
    return state.kinds[kind] || kind || state.words.gaps;
  };
  const gapSize = function (state, g) {
    return Object.entries(state.gaps.sizes)
      .filter(([, values]) => values[g])
      .map(([key, values]) => (key === "area_m2" ? squareMetres(values[g]) : state.words["n_" + key].replace("{n}", plain.format(values[g]))))
      .join(" · ");
  };
  const gapRow = function (state, g, withCell) {
    const row = make("button", "wg-gap");
    row.type = "button";
    const dot = make("i", "wg-dot");
    dot.style.background = wangge.SEVERITY[state.gaps.severity[g]];
    const cell = withCell && state.gaps.cell ? state.gaps.cell[g] : "";
    const known = state.cells.row.get(cell);
    const place = known === undefined ? cell : state.nameOf(known) || cell;
    row.append(dot, make("b", "", gapKind(state, g)), make("span", "", place), make("em", "", gapSize(state, g)));
    const rule = state.gaps.rule ? state.gaps.rule.values[state.gaps.rule.index[g]] : "";
    row.title = [state.words["severity_" + state.gaps.severity[g]], rule].filter(Boolean).join(" · ");
    row.addEventListener("click", () => {
      if (!state.gaps.store.empty(g)) state.fly(state.gaps.store.latlngBounds(g));
      else if (state.cells.row.has(cell)) state.choose(state.cells.row.get(cell), true);
    });
    return row;
  };

  const gapList = function (state) {
    const section = make("section", "wg-section");
    section.append(make("h2", "", state.words.gaps));
    const { gaps, words } = state;
    for (const line of state.gap_notes) section.append(make("p", "wg-quiet", line));
    if (!gaps || !gaps.total) return section;
    const legend = make("div", "wg-severities");
    for (const level of [3, 2, 1]) {
      const count = gaps.severity.filter((s) => s === level).length;
      if (!count) continue;
      const dot = make("i", "wg-dot");
      dot.style.background = wangge.SEVERITY[level];
      legend.append(make("span", "", null, dot, `${words["severity_" + level]} ${plain.format(count)}`));
    }
    const list = make("div", "wg-gaps");
    list.id = "wg-gaps";
    for (let g = 0; g < Math.min(LISTED, gaps.store.n); g++) list.append(gapRow(state, g, true));
    section.append(legend, list);
    const more = gaps.total - Math.min(LISTED, gaps.store.n);
    if (more > 0) section.append(make("p", "wg-quiet", words.more.replace("{n}", plain.format(more))));
    return section;
  };

  // sheet, tooltip ----------------------------------------------------------------------------------------
  wangge.sheet = function (state, f) {
    const sheet = element("wg-sheet");
    sheet.hidden = f === undefined;
    document.body.classList.toggle("wg-has-sheet", f !== undefined);
    if (f === undefined) return;
    const { words, cells } = state;
    const name = state.nameOf(f), kind = state.kindOf(f);
    const head = make("div", "wg-sheet-head");
    head.append(make("span", "wg-eyebrow", [words.cell, kind].filter(Boolean).join(" · ")));
    head.append(make("h2", "", name || state.codeOf(f)));
    if (state.areaCode(f)) head.append(make("p", "wg-quiet", state.areaPath(state.areaCode(f))));
    const close = button("×", () => state.choose(undefined));
    close.className = "wg-close";
    close.setAttribute("aria-label", words.close);
    head.append(close);

    const table = make("dl", "wg-fields");
    const field = function (label, value, key) {
      const cell = make("dd", "", value);
      if (key) cell.dataset.field = key;
      table.append(make("dt", "", label), cell);
    };
    field(state.labels.code, state.codeOf(f), "code");
    if (name) field(state.labels.name, name, "name");
    if (state.areaCode(f)) field(state.labels.area_code, state.areaCode(f), "area_code");
    const leader = cells.leader ? cells.leader.values[cells.leader.index[f]] : "";
    if (leader) field(state.labels.leader, leader, "leader");
    for (const item of cells.fields) field(item.label, amount(item.values[f], item), item.key);
    if (cells.store.empty(f)) field("", words.no_shape);

    const parts = [head, table];
    const here = [];
    if (state.gaps && state.gaps.cell) state.gaps.cell.forEach((code, g) => { if (code === state.codeOf(f)) here.push(g); });
    const list = make("div", "wg-section");
    list.append(make("h2", "", words.gaps_here), ...here.slice(0, 50).map((g) => gapRow(state, g, false)));
    // Only what was looked for can be said to be missing.
    if (!here.length && state.gaps_analysed) list.append(make("p", "wg-quiet", words.none));
    for (const line of state.gaps_unknown) list.append(make("p", "wg-quiet", line));
    parts.push(list);
    const foot = make("div", "wg-actions");
    foot.append(button(words.zoom_to, () => state.choose(f, true)), button(words.print, () => window.print()));
    sheet.replaceChildren(...parts, foot);
    sheet.scrollTop = 0;
  };

  wangge.tip = function (state, tip, f, entity, at) {
    tip.hidden = f === undefined && !entity;
    if (tip.hidden) return;
    const key = entity ? entity.layer.key + entity.f : "cell" + f;
    if (tip.dataset.key !== key) {
      tip.dataset.key = key;
      const rows = entity ? entityRows(state, entity) : cellRows(state, f);
      tip.replaceChildren(...rows);
    }
    const room = window.innerWidth - at.x < tip.offsetWidth + 24;
    tip.style.left = (room ? at.x - tip.offsetWidth - 14 : at.x + 16) + "px";
    tip.style.top = Math.min(at.y + 14, window.innerHeight - tip.offsetHeight - 8) + "px";
  };
  const pair = (label, value) => make("div", "wg-tip-row", null, make("span", "", label), make("b", "", value));
  const cellRows = function (state, f) {
    const name = state.nameOf(f);
    const rows = [make("strong", "", name || state.codeOf(f))];
    if (name) rows.push(make("small", "", state.codeOf(f)));
    for (const field of state.cells.fields.slice(0, 8)) {
      if (field.prominence !== "detail") rows.push(pair(field.label, amount(field.values[f], field)));
    }
    return rows;
  };
  const entityRows = function (state, { layer, f }) {
    const rows = [make("strong", "", layer.label)];
    if (layer.id) rows.push(make("small", "", layer.id[f]));
    for (const key of ["kind", "class"]) {
      const value = layer[key] ? layer[key].values[layer[key].index[f]] : "";
      if (value) rows.push(pair(state.labels[key], state.kinds[value] || value));
    }
    return rows;
  };

  // search ------------------------------------------------------------------------------------------------
  const FOUND = 8;
  const find = function (state, query) {
    const found = [];
    const scan = function (codes, names, what, exactFirst) {
      const late = [];
      for (let f = 0; f < codes.length && found.length + late.length < 400; f++) {
        const code = codes[f].toLowerCase(), name = names ? names[f].toLowerCase() : "";
        if (code === query || name === query) found.push({ what, f, rank: exactFirst });
        else if (name.includes(query) || code.includes(query)) late.push({ what, f, rank: exactFirst + 2 });
      }
      found.push(...late);
    };
    if (state.areas) scan(state.areas.code, state.areas.name, "area", 0);
    scan(state.cells.code, state.cells.name, "cell", 1);
    return found.sort((a, b) => a.rank - b.rank).slice(0, FOUND);
  };

  wangge.search = function (state) {
    const input = element("wg-query"), list = element("wg-found");
    input.placeholder = state.words.search;
    input.setAttribute("aria-label", state.words.search);
    let found = [], active = 0;
    const go = function (item) {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.blur();
      if (item.what === "cell") state.choose(item.f, true);
      else if (!state.areas.store.empty(item.f)) state.fly(state.areas.store.latlngBounds(item.f));
    };
    const show = function () {
      const query = input.value.trim().toLowerCase();
      found = query ? find(state, query) : [];
      active = 0;
      list.hidden = !query;
      input.setAttribute("aria-expanded", String(!list.hidden));
      list.replaceChildren(...found.map((item, i) => {
        const source = item.what === "cell" ? state.cells : state.areas;
        const code = source.code[item.f], name = source.name ? source.name[item.f] : "";
        const row = make("li", i === active ? "wg-active" : "", null,
          make("b", "", name || code), make("span", "", name && name !== code ? code : ""),
          make("em", "", item.what === "cell" ? state.words.cell : state.words.area));
        row.setAttribute("role", "option");
        row.addEventListener("mousedown", (event) => { event.preventDefault(); go(item); });
        return row;
      }));
      if (query && !found.length) list.append(make("li", "wg-quiet", state.words.nothing));
    };
    input.addEventListener("input", show);
    input.addEventListener("focus", show);
    input.addEventListener("blur", () => { list.hidden = true; });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && found.length) go(found[active]);
      else if (event.key === "Escape") input.blur();
      else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && found.length) {
        event.preventDefault();
        active = (active + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length;
        [...list.children].forEach((row, i) => row.classList.toggle("wg-active", i === active));
      }
    });
  };
})();
