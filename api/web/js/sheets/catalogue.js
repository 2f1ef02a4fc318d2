// All sheets there are, one for each kind of thing that can be chosen. A sheet is { kind, render(chosen, { map, onShown }) }:
// `render` returns the contents, or a promise of them, and gives `onShown` what moves the map once they are shown.

import { cellSheet } from "./cell.js";
import { entitySheet } from "./entity.js";
import { gapSheet } from "./gap.js";
import { placeSheet } from "./place.js";

export const SHEETS = [cellSheet, entitySheet, gapSheet, placeSheet];
