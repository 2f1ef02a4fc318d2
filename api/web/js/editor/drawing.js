// Drawing on the map: lines and regions by terra-draw, which snap to the vertices of the cells around.

import { effect } from "../../vendor/signals/signals-core.mjs";
import { TerraDraw, TerraDrawLineStringMode, TerraDrawPolygonMode, TerraDrawRenderMode } from "../../vendor/terra-draw/terra-draw.mjs";
import { TerraDrawMapLibreGLAdapter } from "../../vendor/terra-draw-maplibre-gl-adapter/terra-draw-maplibre-gl-adapter.mjs";
import { cells } from "./draft.js";
import { drawn, hindrance, tool } from "./gesture.js";

const REACH_PX = 10; // how near to a vertex the pointer snaps to it

// Call `visit` with each position of a geometry.
function eachPosition(coordinates, visit) {
  if (typeof coordinates[0] === "number") visit(coordinates);
  else for (const part of coordinates) eachPosition(part, visit);
}

// The vertex of a drawn cell nearest to the pointer, within reach.
function nearestVertex(map, { containerX, containerY }) {
  const box = [[containerX - REACH_PX, containerY - REACH_PX], [containerX + REACH_PX, containerY + REACH_PX]];
  const codes = new Set(map.queryRenderedFeatures(box, { layers: ["draft-fill"] }).map((each) => each.properties.code));
  let nearest;
  let least = REACH_PX;
  for (const code of codes) {
    eachPosition(cells.peek().get(code)?.geometry.coordinates ?? [], (position) => {
      const { x, y } = map.project(position);
      const far = Math.hypot(x - containerX, y - containerY);
      if (far < least) [least, nearest] = [far, position];
    });
  }
  return nearest;
}

export function openDrawing(map) {
  const snapping = { toCustom: (event) => nearestVertex(map, event) };
  const look = { lineStringColor: "#7b3fa0", lineStringWidth: 3, fillColor: "#7b3fa0", fillOpacity: 0.12, outlineColor: "#7b3fa0", outlineWidth: 3, closingPointColor: "#7b3fa0", closingPointWidth: 5 };
  const keyEvents = { cancel: "Escape", finish: null };
  const draw = new TerraDraw({
    // The service takes coordinates as exact as the vertices that are snapped to.
    adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 15 }),
    modes: [
      new TerraDrawLineStringMode({ snapping, keyEvents, styles: look }),
      new TerraDrawPolygonMode({ snapping, keyEvents, styles: look }),
      new TerraDrawRenderMode({ modeName: "rest", styles: {} }),
    ],
  });
  draw.start();
  draw.setMode("rest");
  draw.on("finish", (id) => {
    const found = draw.getSnapshotFeature(id);
    if (found) drawn.value = found.geometry;
  });
  effect(() => {
    const each = tool.value;
    const mode = each?.draws && hindrance(each) === null ? each.draws : "rest";
    if (drawn.value === null) draw.clear();
    // What is drawn stays until it is applied or given up.
    const next = drawn.value === null ? mode : "rest";
    if (draw.getMode() !== next) draw.setMode(next);
  });
  return draw;
}
