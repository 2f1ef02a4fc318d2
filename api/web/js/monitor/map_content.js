// Keeps what the map draws in step with the state: cells, entities, gaps, and what lies around them.

import { chosenGap } from "../core/gap_runs.js";
import { change, current, listen, refresh } from "../core/state.js";
import { showBaseMap } from "../map/base_map.js";
import { cellsDrawn, describeCells, drawCells, recolourCells, removeCells, showCells } from "../map/cells.js";
import { classification } from "../map/colouring.js";
import { addEntities, removeEntities, showEntities } from "../map/entities.js";
import { drawGaps, highlightGap, showGaps } from "../map/gaps.js";

// The bounds of a description; an empty one describes the whole world.
export const boundsOf = (described) => (described?.bounds && described.bounds[2] - described.bounds[0] < 359 ? described.bounds : null);

// Put into the state what a description of cells says beside the address of their tiles.
function adoptDescription(described) {
  const bounds = boundsOf(described);
  const groupsBelow = described.vector_layers?.find((layer) => layer.id === "cells")?.minzoom ?? 0;
  change({ bounds: bounds ?? current().bounds, groupsBelow, message: bounds === null ? { word: "no_cells" } : null });
}

// The map is opened with the cells that `described` describes, null where there is no scheme. Returns what waits until
// all that the state asks for has been added to it.
export function openMapContent(map, described) {
  const drawn = cellsDrawn(map);
  let drawings = 0;

  const showLayers = () => {
    const { hidden } = current();
    showCells(map, hidden);
    showEntities(map, hidden);
    showGaps(map, !hidden.has("gaps"));
    showBaseMap(map, hidden);
  };
  const redrawCells = async () => {
    const drawing = (drawings += 1);
    const { scheme, at } = current();
    if (scheme === null) return;
    try {
      const [found, classes] = await Promise.all([describeCells(scheme, at), classification(current())]);
      if (drawing !== drawings) return;
      drawCells(map, found, { scheme, at }, classes);
      change({ shownClasses: classes });
      adoptDescription(found);
      showLayers();
    } catch (error) {
      if (drawing !== drawings) return;
      removeCells(map);
      const retry = () => {
        change({ message: { word: "loading" } });
        refresh();
      };
      change({ message: { error, retry } });
    }
  };
  const recolour = async () => {
    try {
      const classes = await classification(current());
      recolourCells(map, classes);
      change({ shownClasses: classes });
    } catch {
      // The legend says what went wrong and offers to try again.
    }
  };
  // Entities and gaps wait until the cells are drawn.
  const redrawEntities = async () => {
    await drawn;
    removeEntities(map);
    if (current().scheme !== null) addEntities(map, current().scheme);
    showLayers();
  };
  const highlight = () => highlightGap(map, chosenGap());
  const redrawGaps = async () => {
    await drawn;
    const { scheme, run, hidden } = current();
    drawGaps(map, scheme, run, !hidden.has("gaps"));
    highlight();
  };

  if (described !== null) adoptDescription(described);
  showCells(map, current().hidden);
  listen(["scheme", "at", "revision"], redrawCells);
  listen(["scheme"], redrawEntities);
  listen(["runs", "run"], redrawGaps);
  listen(["fill", "method", "classes"], recolour);
  listen(["hidden"], showLayers);
  listen(["chosen"], highlight);
  recolour();
  return redrawEntities();
}
