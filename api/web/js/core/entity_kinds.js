// What the page knows of the kinds of entities: names, colours, and their order.

import { hasWord, t, word } from "./i18n.js";

// In the order in which they are listed, and drawn one above the other.
export const ENTITY_COLOURS = {
  service_point: "#00798c",
  sensor: "#6b4ba3",
  component: "#8a5a2b",
  enterprise: "#b8446c",
  household: "#4d6478",
};

export const ENTITY_KINDS = Object.keys(ENTITY_COLOURS);

// Those whose layers are off until they are switched on: the ones that come in thousands.
export const OFF_AT_FIRST = ["household", "enterprise", "component", "sensor"];

// In the order in which the sheet of a cell counts them.
export const COUNTED_KINDS = ["household", "enterprise", "sensor", "component", "service_point"];

export const entityKindName = (kind) => word("kind", kind);

// The name of a kind for several of them.
export const entityKindPlural = (kind) => (hasWord(`layer.${kind}`) ? t(`layer.${kind}`) : entityKindName(kind));
