// The sheet of a list: what a number counts, row by row, and the whole of it to take away.

import { h, replace } from "../core/dom.js";
import { number } from "../core/format.js";
import { t } from "../core/i18n.js";
import { exportLinks, readList } from "../core/lists.js";
import { failure } from "../core/notifications.js";
import { change, current } from "../core/state.js";
import { block, head } from "./parts.js";

// What a row of each list says, and what it opens.
const ROWS = {
  entities: {
    title: (row) => row.name || row.external_id,
    under: (row) => [row.name ? row.external_id : null, row.address ?? row.class_name, row.cell_code],
    chosen: (row) => ({ kind: "entity", id: row.id }),
  },
  cells: {
    title: (row) => row.cell_name || row.cell_code,
    under: (row) => [row.cell_code, row.person],
    chosen: (row) => ({ kind: "cell", code: row.cell_code }),
  },
  gaps: {
    title: (row) => `${row.kind} · ${row.severity}`,
    under: (row) => [row.cell_name ?? row.area, row.detail],
    chosen: (row) => ({ kind: "gap", id: row.id }),
  },
};

function rowOf(list, row) {
  const { title, under, chosen } = ROWS[list];
  const open = () => change({ chosen: { ...chosen(row), fly: true, back: current().chosen } });
  return h("button", { class: "list-row", type: "button", onclick: open }, h("b", {}, title(row)), h("small", {}, under(row).filter(Boolean).join(" · ")));
}

async function render({ list, query, title, under }) {
  const first = await readList(list, query);
  const rows = h("div", { class: "list-rows" }, first.items.map((each) => rowOf(list, each)));
  const more = h("div");
  const drawMore = () => {
    const shown = rows.childElementCount;
    replace(more, shown < first.total ? h("button", { class: "button list-more", type: "button", onclick: readMore }, t("more_of", { n: number(shown), all: number(first.total) })) : null);
  };
  const readMore = async () => {
    const before = rows.childElementCount;
    try {
      const next = await readList(list, query, before);
      rows.append(...next.items.map((each) => rowOf(list, each)));
      drawMore();
      rows.children[before]?.focus();
    } catch (error) {
      replace(more, failure(error, readMore));
    }
  };
  drawMore();
  return [
    head(under ?? first.title, title, t("list_total", { n: number(first.total) })),
    first.total > first.most_rows ? h("p", { class: "quiet exports" }, t("list_too_long", { n: number(first.most_rows) })) : null,
    first.total > 0 && first.total <= first.most_rows ? exportLinks(list, query) : null,
    first.notes.length > 0 ? block(null, first.notes.map((note) => h("p", { class: "note" }, note))) : null,
    block(null, first.total > 0 ? rows : h("p", { class: "quiet" }, t("list_empty")), more),
  ];
}

export const listSheet = { kind: "list", render };
