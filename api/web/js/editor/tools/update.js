// Give a cell another name, kind or code.

export const update = {
  key: "update",
  shortcut: "a",
  sign: "M4 16l1-4 8-8 3 3-8 8zM11.500 5.500l3 3",
  takes: [1, 1],
  asks: "editor.asks_one",
  draws: null,
  defaults: ([cell]) => (cell ? { name: cell.name, kind: cell.kind, code: cell.code } : {}),
  fields: [
    { name: "name", word: "editor.name", type: "text" },
    { name: "kind", word: "cell_kind", type: "text" },
    { name: "code", word: "code", type: "text" },
  ],
  command([cell], _, { name, kind, code }, [now]) {
    const next = { name, kind, code: code?.trim() || cell };
    if (Object.keys(next).every((key) => next[key] === now[key])) return null;
    return { command: "update", cell, ...next, code: next.code === cell ? null : next.code };
  },
};
