"""Where words stand on the printed map, so that none covers another."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.maps import mpl_style

_PLACES = 30
# Places tried along the longer side of the ground that a name is for.


@dataclass(frozen=True)
class Lettered:
    """Words that want a place.

    Attributes
    ----------
    ground
        What they name, in metres.
    words
        One line or several.
    size
        In points.
    order
        Above what it is drawn.
    """

    ground: shapely.Geometry
    words: str
    size: float
    order: float

    def frames(self, places: NDArray[np.float64], scale: float) -> NDArray[np.object_]:
        """Return the ground that the words cover, centred on each of some places (n, 2)."""
        wide, high = np.array(mpl_style.room(self.words, self.size)) * scale / 2000
        x, y = places.T
        frames: NDArray[np.object_] = shapely.box(x - wide, y - high, x + wide, y + high)
        return frames


def arrange(
    names: Iterable[Lettered], codes: Iterable[Lettered], scale: float
) -> list[tuple[Lettered, shapely.Point]]:
    """Find places on which no words cover others.

    A name moves within its ground to where it covers neither a name before it nor a code, and if there is no
    such place stands in the middle. A code stands in the middle of its cell, and is left out beneath a name.

    Parameters
    ----------
    names, codes
        The most important first.
    scale
        Metres on the ground for one on the paper.
    """
    fixed = [(each, shapely.point_on_surface(each.ground)) for each in codes]
    frames = [each.frames(shapely.get_coordinates(place), scale)[0] for each, place in fixed]
    tree = shapely.STRtree(frames)
    placed: list[tuple[Lettered, shapely.Point]] = []
    taken: list[shapely.Geometry] = []
    for each in names:
        found = _place(each, taken, tree, scale)
        if found is not None:
            placed.append((each, found[0]))
            taken.append(found[1])
    for (each, place), frame in zip(fixed, frames, strict=True):
        if not shapely.intersects(frame, taken).any():
            placed.append((each, place))
            taken.append(frame)
    return placed


def _place(
    name: Lettered, taken: list[shapely.Geometry], codes: shapely.STRtree, scale: float
) -> tuple[shapely.Point, shapely.Geometry] | None:
    middle = shapely.get_coordinates(shapely.point_on_surface(name.ground))
    places = np.vstack([middle, _lattice(name.ground, middle[0])])
    frames = name.frames(places, scale)
    free = ~_covers(shapely.STRtree(taken), frames)
    clear = free & ~_covers(codes, frames)
    clear[clear] = shapely.covers(name.ground, frames[clear])
    best = int(np.argmax(clear)) if clear.any() else 0
    return (shapely.Point(places[best]), frames[best]) if free[best] else None


def _lattice(ground: shapely.Geometry, middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places (n, 2) spread evenly over the ground, the nearest to its middle first."""
    west, south, east, north = shapely.bounds(ground)
    step = max(east - west, north - south) / _PLACES
    x, y = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
    places = np.column_stack([x.ravel(), y.ravel()])
    places = places[shapely.contains_xy(ground, places)]
    nearest: NDArray[np.float64] = places[np.argsort(np.hypot(*(places - middle).T), kind="stable")]
    return nearest


def _covers(tree: shapely.STRtree, frames: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Tell which frames touch something in the tree."""
    touching = np.zeros(len(frames), dtype=bool)
    touching[tree.query(frames, predicate="intersects")[0]] = True
    return touching
