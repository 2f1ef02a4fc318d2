// Split a cell: along a line, or into parts of about equal ground.

export const split = {
  key: "split",
  shortcut: "s",
  sign: "M3.500 4.500h13v11h-13zM12.500 2.500l-5 15",
  takes: [1, 1],
  asks: "editor.asks_one",
  draws: "linestring",
  fields: [],
  command: ([cell], line) => ({ command: "split", cell, line }),
};

export const splitEvenly = {
  key: "split_evenly",
  shortcut: "e",
  sign: "M3.500 4.500h13v11h-13zM8 4.500v11M12 4.500v11",
  takes: [1, 1],
  asks: "editor.asks_one",
  draws: null,
  defaults: () => ({ count: 2 }),
  fields: [{ name: "count", word: "editor.parts", type: "number", min: 2, max: 100 }],
  command: ([cell], _, { count }) => (Number.isInteger(count) && count >= 2 && count <= 100 ? { command: "split-evenly", cell, count } : null),
};
