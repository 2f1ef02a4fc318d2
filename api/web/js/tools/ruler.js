// The ruler: the length of a line, or the area and perimeter of a polygon, drawn point by point.

import { h } from "../core/dom.js";
import { area, distance } from "../core/format.js";
import { length, perimeter, ringArea } from "../core/geodesy.js";
import { t } from "../core/i18n.js";
import { announce } from "../core/notifications.js";
import { ACCENT } from "../map/palette.js";
import { addTool, segments, showCard } from "./tool_card.js";

const LAYERS = ["ruler-fill", "ruler-line", "ruler-point"];

function collection(places, ahead, mode) {
  const all = ahead === null ? places : [...places, ahead];
  const feature = (type, coordinates) => ({ type: "Feature", properties: {}, geometry: { type, coordinates } });
  const features = places.map((each) => feature("Point", each));
  if (all.length > 1) features.push(feature("LineString", mode === "area" && all.length > 2 ? [...all, all[0]] : all));
  if (mode === "area" && all.length > 2) features.push(feature("Polygon", [[...all, all[0]]]));
  return { type: "FeatureCollection", features };
}

export function openRuler(map) {
  let mode = "distance";

  const start = () => {
    let places = [];
    let ended = false;
    map.addSource("ruler", { type: "geojson", data: collection([], null, mode) });
    map.addLayer({ id: "ruler-fill", type: "fill", source: "ruler", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": ACCENT, "fill-opacity": 0.16 } });
    map.addLayer({ id: "ruler-line", type: "line", source: "ruler", paint: { "line-color": ACCENT, "line-width": 3, "line-dasharray": [2, 1] } });
    map.addLayer({ id: "ruler-point", type: "circle", source: "ruler", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 5, "circle-color": "#fff", "circle-stroke-color": ACCENT, "circle-stroke-width": 2.5 } });
    map.getCanvas().style.cursor = "crosshair";
    map.doubleClickZoom.disable();

    const value = () => (mode === "distance" ? distance(length(places)) : area(ringArea(places)));
    const draw = (ahead = null) => map.getSource("ruler").setData(collection(places, ahead, mode));
    const drawCard = () => {
      const enough = places.length > (mode === "distance" ? 1 : 2);
      showCard(
        t("ruler"),
        segments([["distance", t("ruler_distance")], ["area", t("ruler_area")]], mode, (picked) => {
          mode = picked;
          draw();
          drawCard();
        }),
        enough ? h("p", { class: "result", id: "ruler-result", "data-metres": mode === "distance" ? length(places) : ringArea(places) }, value()) : null,
        enough && mode === "area" ? h("p", { class: "note" }, t("ruler_round", { n: distance(perimeter(places)) })) : null,
        ended ? null : h("p", { class: "note" }, t("ruler_hint")),
        places.length
          ? h(
              "div",
              { class: "card-actions" },
              h("button", { class: "button", type: "button", id: "ruler-undo", onclick: undo }, t("ruler_undo")),
              h("button", { class: "button", type: "button", id: "ruler-clear", onclick: clear }, t("ruler_clear")),
            )
          : null,
      );
      if (enough) announce(value());
    };
    const setPlaces = (kept) => {
      places = kept;
      ended = false;
      draw();
      drawCard();
      // The buttons, one of which had the focus, are gone with the last point.
      if (places.length === 0) map.getCanvas().focus();
    };
    const undo = () => setPlaces(places.slice(0, -1));
    const clear = () => setPlaces([]);
    const add = ({ lngLat }) => {
      if (ended) clear();
      places.push([lngLat.lng, lngLat.lat]);
      draw();
      drawCard();
    };
    const end = (event) => {
      event.preventDefault();
      // The two clicks of a double click have each set the same point.
      if (event.type === "dblclick" && places.length > 1) places = places.slice(0, -1);
      ended = true;
      draw();
      drawCard();
    };
    const ahead = ({ lngLat }) => {
      if (!ended && places.length) draw([lngLat.lng, lngLat.lat]);
    };
    const key = (event) => {
      if (event.key === "Enter") {
        if (event.target === map.getCanvas()) add({ lngLat: map.getCenter() });
        else return;
        event.preventDefault();
      }
      if (event.key === "Backspace") undo();
    };
    map.on("click", add);
    map.on("dblclick", end);
    map.on("mousemove", ahead);
    map.getCanvas().addEventListener("keydown", key);
    drawCard();
    const remove = () => {
      map.off("click", add);
      map.off("dblclick", end);
      map.off("mousemove", ahead);
      map.getCanvas().removeEventListener("keydown", key);
      for (const id of LAYERS) map.removeLayer(id);
      map.removeSource("ruler");
      map.getCanvas().style.cursor = "";
      map.doubleClickZoom.enable();
    };
    return { drawCard, end: remove };
  };
  addTool({ key: "ruler", sign: "ruler", takesClicks: true, start });
}
