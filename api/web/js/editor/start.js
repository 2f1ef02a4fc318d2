// Where the planner's page begins.

import { begin } from "../core/gate.js";
import { addWords } from "../core/i18n.js";
import { WORDS } from "./words.js";

addWords(WORDS);
begin(() => import("./app.js"));
