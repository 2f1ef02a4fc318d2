// The border between two cells: redrawn, or simplified.

export const border = {
  key: "border",
  shortcut: "b",
  sign: "M3.500 4.500h13v11h-13zM10 4.500l2 3.500-3.500 4 1.500 3.500",
  takes: [2, 2],
  asks: "editor.asks_two",
  draws: "linestring",
  fields: [],
  command: ([first, second], line) => ({ command: "border", first, second, line }),
};

export const smooth = {
  key: "smooth",
  shortcut: "o",
  sign: "M3.500 13c3-9 5 4 7-1s3-6 6-5",
  takes: [2, 2],
  asks: "editor.asks_two",
  draws: null,
  defaults: () => ({ tolerance_m: 10 }),
  fields: [{ name: "tolerance_m", word: "editor.smooth_by", type: "number", min: 0 }],
  // Without a distance the border becomes straight.
  command: ([first, second], _, { tolerance_m }) => ({ command: "smooth", first, second, tolerance_m: tolerance_m > 0 ? tolerance_m : null }),
};
