// All sheets there are, one for each kind of thing that can be chosen.
//
// A sheet is { kind, pin, render }. `render(chosen, { map, onShown })` returns a promise of the contents, and gives
// `onShown` what moves the map once they are shown. `pin(chosen)`, which few have, is where a pin stands meanwhile.

import { areaSheet } from "./area.js";
import { cellSheet } from "./cell.js";
import { entitySheet } from "./entity.js";
import { gapSheet } from "./gap.js";
import { listSheet } from "./list.js";
import { officerSheet } from "./officer.js";
import { placeSheet } from "./place.js";

export const SHEETS = [areaSheet, cellSheet, entitySheet, gapSheet, listSheet, officerSheet, placeSheet];
