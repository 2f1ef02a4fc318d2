// What the signed-in user may do.

import { current } from "./state.js";

export const may = (right) => current().session?.rights.includes(right) ?? false;
