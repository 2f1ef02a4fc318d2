// Give a cell the ground of a region.

export const transfer = {
  key: "transfer",
  shortcut: "t",
  sign: "M4 4.500h5v11H4zM11 10h6M14.500 7.500L17 10l-2.500 2.500",
  takes: [1, 1],
  asks: "editor.asks_one_target",
  draws: "polygon",
  defaults: () => ({ allow_parts: false }),
  fields: [{ name: "allow_parts", word: "editor.allow_parts", type: "checkbox" }],
  command: ([to], region, { allow_parts }) => ({ command: "transfer", to, region, allow_parts }),
};
