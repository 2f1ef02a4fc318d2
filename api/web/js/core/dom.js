// Elements are made from text and attributes, never from markup: what comes from data stays text.

const SVG = "http://www.w3.org/2000/svg";

// Make an element: h("button", { class: "quiet", onclick: fn, hidden: true }, "text", child, …).
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "style") Object.assign(element.style, value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

// Replace the children of an element; the focus moves to the new child that has the id of the focused one.
export function replace(element, ...children) {
  const held = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  if (held !== "") byId(held)?.focus({ preventScroll: true });
}

// One path each, in a box of 20 × 20.
const ICONS = {
  close: "M5 5l10 10M15 5L5 15",
  compare: "M10 3v14M3.500 5.500H7v9H3.500zM13 5.500h3.500v9H13z",
  ruler: "M3 13.500L13.500 3l3.500 3.500L6.500 17zM6.500 10l2 2M9 7.500l1.500 1.500M11.500 5l2 2",
  print: "M6 7.500V3h8v4.500M6 13.500H3.500v-6h13v6H14M6 11.500h8V17H6z",
  link: "M8.500 11.500a3 3 0 0 0 4.300 0l2.700-2.700a3 3 0 0 0-4.300-4.300L10 5.700M11.500 8.500a3 3 0 0 0-4.300 0l-2.700 2.700a3 3 0 0 0 4.300 4.300l1.200-1.200",
  search: "M8.800 14.200a5.400 5.400 0 1 0 0-10.800 5.400 5.400 0 0 0 0 10.800zM12.800 12.800L17 17",
  person: "M10 10a3.200 3.200 0 1 0 0-6.400 3.200 3.200 0 0 0 0 6.400zM3.800 16.600a6.200 6.200 0 0 1 12.400 0",
  plus: "M10 4.500v11M4.500 10h11",
  minus: "M4.500 10h11",
  whole: "M3.500 7.500v-4h4M12.500 3.500h4v4M16.500 12.500v4h-4M7.500 16.500h-4v-4",
  back: "M12 4.500L6.500 10l5.500 5.500",
  check: "M4.500 10.500l3.700 3.700 7.300-8.200",
  place: "M10 17.200s5.400-4.900 5.400-9a5.400 5.400 0 1 0-10.800 0c0 4.100 5.400 9 5.400 9zM10 10a1.900 1.900 0 1 0 0-3.800 1.900 1.900 0 0 0 0 3.800z",
  eye: "M2.500 10s2.700-5 7.500-5 7.500 5 7.500 5-2.700 5-7.500 5-7.500-5-7.500-5zM10 12.200a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400z",
  refresh: "M16 10a6 6 0 1 1-1.900-4.400M16 3.500v3.300h-3.300",
  locate: "M10 2.500v3M10 14.500v3M2.500 10h3M14.500 10h3M10 14.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9zM10 11.200a1.200 1.200 0 1 0 0-2.400 1.200 1.200 0 0 0 0 2.400z",
  draft: "M4 16l1-3.800L13 4.200l2.800 2.800L7.800 15zM11.200 6l2.800 2.800",
  keys: "M2.500 5.500h15v9h-15zM5.500 8.500h.01M8.500 8.500h.01M11.500 8.500h.01M14.500 8.500h.01M6.500 11.500h7",
  layers: "M10 3.500l7 3.700-7 3.700-7-3.700zM3.500 10.700l6.500 3.400 6.500-3.400M3.500 13.700l6.500 3.300 6.500-3.300",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

// Make an SVG element: svg("rect", { x: 1 }).
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

// A function that calls `callback` once it has not been called itself for some milliseconds.
export function debounce(milliseconds, callback) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(callback, milliseconds);
  };
}
