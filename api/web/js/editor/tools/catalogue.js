// The tools by which a draft is redrawn, in the order of the toolbar.

import { border, smooth } from "./borders.js";
import { merge } from "./merge.js";
import { renumber } from "./renumber.js";
import { split, splitEvenly } from "./splits.js";
import { transfer } from "./transfer.js";
import { update } from "./update.js";

// A tool has a key (of its words and of its command), a shortcut, the path of its sign, how many cells it takes, what to
// say where it has not so many, what it draws ("linestring", "polygon" or null), the fields of its form, and the command
// for codes, what is drawn, the form and the cells themselves: null while something is missing.
export const TOOLS = [merge, split, splitEvenly, transfer, border, smooth, update, renumber];
