// Where the monitor's page begins.

import { begin } from "../core/gate.js";

begin(() => import("./app.js"));
