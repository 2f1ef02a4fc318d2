// Unite cells; the code of the first goes on.

export const merge = {
  key: "merge",
  shortcut: "m",
  sign: "M3.500 5.500h5v9h-5zM11.500 5.500h5v9h-5zM8.500 10h3",
  takes: [2, 1000],
  asks: "editor.asks_two_or_more",
  draws: null,
  fields: [],
  command: (codes) => ({ command: "merge", cells: codes, into: codes[0] }),
};
