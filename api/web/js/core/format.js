// Numbers, sizes, days and places as they are written in the language of the page.

import { locale, t } from "./i18n.js";

export const number = (value) => new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(value);

export const percent = (share) => new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 0 }).format(share);

// Three significant digits: 12.3 km², 4,560 m².
function significant(value) {
  const fraction = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: fraction }).format(value);
}

export function area(squareMetres) {
  if (squareMetres === null || squareMetres === undefined) return "—";
  if (squareMetres < 1e5) return `${significant(squareMetres)} m²`;
  return `${significant(squareMetres / 1e6)} km²`;
}

export function distance(metres) {
  if (metres === null || metres === undefined) return "—";
  return metres < 1000 ? `${significant(metres)} m` : `${significant(metres / 1000)} km`;
}

export const place = (lon, lat) => `${lon.toFixed(6)}, ${lat.toFixed(6)}`;

// A day, 2026-01-01, in the form that both languages share.
export const day = (text) => (text ? text.slice(0, 10) : "—");

export function period(from, to) {
  if (!from) return "—";
  return to ? `${day(from)} – ${day(to)}` : t("since", { day: day(from) });
}

export function today() {
  const now = new Date();
  const pad = (value) => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
}
