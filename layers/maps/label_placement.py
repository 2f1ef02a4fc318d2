"""Placement of labels on the printed map so that none covers another."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, ObjectArray
from layers.maps import mpl_style

_CANDIDATES_PER_SIDE = 30
# Candidate positions along the longer side of an area for its name.


@dataclass(frozen=True)
class Label:
    """A label to be placed.

    Attributes
    ----------
    geometry
        What it names, in metres.
    text
        One line or several.
    size
        In points.
    zorder
        The drawing order, as matplotlib has it.
    """

    geometry: shapely.Geometry
    text: str
    size: float
    zorder: float

    def bboxes_at(self, positions: FloatArray, scale: float) -> ObjectArray:
        """Return the boxes that the text covers when centred on each of some places (n, 2)."""
        wide, high = np.array(mpl_style.text_extent(self.text, self.size)) * scale / 2000
        x, y = positions.T
        bboxes: ObjectArray = shapely.box(x - wide, y - high, x + wide, y + high)
        return bboxes


def place_labels(
    names: Iterable[Label], codes: Iterable[Label], scale: float
) -> list[tuple[Label, shapely.Point]]:
    """Find places for labels so that none covers another.

    A name moves within its area to where it covers neither an earlier name nor a code; if there is no such
    place, it goes in the middle. A code goes in the middle of its cell, and is left out beneath a name.

    Parameters
    ----------
    names, codes
        The most important first.
    scale
        Metres in the working CRS for one on paper.
    """
    fixed = [(each, shapely.point_on_surface(each.geometry)) for each in codes]
    bboxes = [each.bboxes_at(shapely.get_coordinates(place), scale)[0] for each, place in fixed]
    tree = shapely.STRtree(bboxes)
    placed: list[tuple[Label, shapely.Point]] = []
    obstacles: list[shapely.Geometry] = []
    for each in names:
        found = _best_candidate(each, obstacles, tree, scale)
        if found is not None:
            placed.append((each, found[0]))
            obstacles.append(found[1])
    for (each, place), bbox in zip(fixed, bboxes, strict=True):
        if not shapely.intersects(bbox, obstacles).any():
            placed.append((each, place))
            obstacles.append(bbox)
    return placed


def _best_candidate(
    name: Label, obstacles: list[shapely.Geometry], codes: shapely.STRtree, scale: float
) -> tuple[shapely.Point, shapely.Geometry] | None:
    middle = shapely.get_coordinates(shapely.point_on_surface(name.geometry))
    candidates = np.vstack([middle, _candidates(name.geometry, middle[0])])
    bboxes = name.bboxes_at(candidates, scale)
    free = ~_intersects_any(shapely.STRtree(obstacles), bboxes)
    clear = free & ~_intersects_any(codes, bboxes)
    clear[clear] = shapely.covers(name.geometry, bboxes[clear])
    best = int(np.argmax(clear)) if clear.any() else 0
    return (shapely.Point(candidates[best]), bboxes[best]) if free[best] else None


def _candidates(geometry: shapely.Geometry, middle: FloatArray) -> FloatArray:
    """Return places (n, 2) spread evenly over a geometry, the nearest to its middle first."""
    west, south, east, north = shapely.bounds(geometry)
    step = max(east - west, north - south) / _CANDIDATES_PER_SIDE
    x, y = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
    candidates = np.column_stack([x.ravel(), y.ravel()])
    candidates = candidates[shapely.contains_xy(geometry, candidates)]
    nearest: FloatArray = candidates[np.argsort(np.hypot(*(candidates - middle).T), kind="stable")]
    return nearest


def _intersects_any(tree: shapely.STRtree, bboxes: ObjectArray) -> BoolArray:
    """Return which boxes touch something in the tree."""
    touching = np.zeros(len(bboxes), dtype=bool)
    touching[tree.query(bboxes, predicate="intersects")[0]] = True
    return touching
