// Where am I: asks the device for its place, how exact it is and in which datum, and opens the place.

import { ask } from "../core/api.js";
import { h } from "../core/dom.js";
import { distance } from "../core/format.js";
import { t } from "../core/i18n.js";
import { errorMessage } from "../core/notifications.js";
import { change } from "../core/state.js";
import { drawAccuracy } from "../map/accuracy.js";
import { flyToPlace } from "../map/camera.js";
import { addTool, segments, showCard } from "./tool_card.js";

const PATIENCE = 20_000;
const REASONS = { 1: "where_denied", 2: "where_unknown", 3: "where_slow" };

// Where the browser would not tell the place at all, the word that says why.
function obstacle() {
  if (!window.isSecureContext) return "where_needs_https";
  return "geolocation" in navigator ? null : "where_unsupported";
}

export function openWhere(map) {
  let fix = null; // what the device has said: { longitude, latitude, accuracy }
  let datum = "wgs84";
  let problem = null; // what hinders, as { word } or { error }
  let requests = 0;

  const draw = () => {
    const hint = (word) => h("p", { class: "note" }, t(word));
    const state = () => {
      if (problem !== null) return h("p", { class: "warning", role: "alert" }, problem.word ? t(problem.word) : errorMessage(problem.error));
      return fix === null ? h("p", { class: "quiet", role: "status" }, t("where_asking")) : h("p", { class: "result" }, `± ${distance(fix.accuracy)}`);
    };
    const chosenDatum = fix === null ? null : [segments([["wgs84", "WGS 84"], ["gcj02", "GCJ-02"]], datum, (each) => {
      datum = each;
      show();
    }), hint("where_datum")];
    const again = obstacle() === null ? h("div", { class: "card-actions" }, h("button", { id: "where-again", class: "button", type: "button", onclick: find }, t("where_again"))) : null;
    showCard(t("where"), state(), chosenDatum, again);
  };
  // The service converts the place and says who owns it.
  const show = async () => {
    const request = (requests += 1);
    const { longitude, latitude, accuracy } = fix;
    try {
      const { lon, lat } = await ask("v1/locate", { query: { lon: longitude.toFixed(8), lat: latitude.toFixed(8), datum } });
      if (request !== requests) return;
      drawAccuracy(map, [lon, lat], accuracy);
      change({ chosen: { kind: "place", lon, lat, accuracy } });
      flyToPlace(map, [lon, lat]);
    } catch (error) {
      if (request === requests) problem = { error };
    }
    if (request === requests) draw();
  };
  const find = () => {
    const request = (requests += 1);
    fix = null;
    const word = obstacle();
    problem = word === null ? null : { word };
    draw();
    if (word !== null) return;
    const found = ({ coords }) => {
      if (request !== requests) return;
      fix = coords;
      show();
    };
    const failed = ({ code }) => {
      if (request !== requests) return;
      problem = { word: REASONS[code] };
      draw();
    };
    navigator.geolocation.getCurrentPosition(found, failed, { enableHighAccuracy: true, timeout: PATIENCE, maximumAge: 0 });
  };
  addTool({
    key: "where",
    sign: "locate",
    start: () => {
      find();
      const end = () => {
        requests += 1;
        drawAccuracy(map, null);
      };
      return { drawCard: draw, end };
    },
  });
}
