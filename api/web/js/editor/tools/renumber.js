// Number cells again by the profile: those of the areas of the chosen cells, or all.

export const renumber = {
  key: "renumber",
  shortcut: "n",
  sign: "M4 5.500l2-1v6M4 10.500h4M11 6a2 2 0 0 1 4 0c0 1.500-4 3-4 4.500h4M4 15.500h12",
  takes: [0, 1000],
  asks: "editor.asks_one",
  draws: null,
  defaults: () => ({ only_new: true }),
  fields: [{ name: "only_new", word: "editor.only_new", type: "checkbox" }],
  command(_codes, _, { only_new }, chosen) {
    const areas = [...new Set(chosen.map((cell) => cell.area_code).filter(Boolean))];
    return { command: "renumber", areas: areas.length > 0 ? areas : null, only_new };
  },
};
