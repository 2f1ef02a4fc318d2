"""The tiles of the cells in force: cells, their borders and labels, and groups at low zooms."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.colours import steady_colours
from layers.snapshot import CellsInForce
from layers.tiles import EXTENT, Coverage, Points
from layers.tilesets.tile_set import (
    MAXZOOM,
    Booleans,
    Integers,
    Objects,
    Part,
    Scope,
    TileSet,
    digests_of,
    frame_digests,
    texts,
)

MOST_CELLS, MOST_LABELS = 6_000, 1_500
"""How many cells, and labels, a tile may hold; below the zoom at which it does there are groups, and none."""

_LEAST_UNITS = 12.0
# A cell a pixel and a half wide is a dot; its group tells more.

_WORLD_DEGREES = 360.0


class CellGround:
    """What tiles of cells are drawn from, as long as the cells stay the same; immutable.

    Parameters
    ----------
    cells
        The cells in force.

    Attributes
    ----------
    codes, names, area_codes, areas_m2, perimeters_m, colours
        Of the cells, in the order of their ids, shape (n,).
    minzoom
        The first zoom at which cells are drawn.
    likely
        The zooms that somebody will look at: from the one at which the cells fill half a tile.
    """

    def __init__(self, cells: CellsInForce) -> None:
        self.cells = cells
        held = cells.versions
        self.codes, self.names, self.area_codes = texts(held.codes), texts(held.names), held.area_codes
        self.areas_m2, self.perimeters_m = held.areas_m2, held.perimeters_m
        shapes = np.array(held.shapes, dtype=object)
        self.colours = steady_colours(shapes, self.codes.tolist())
        self.drawn = Coverage(shapes, held.ids)
        self.bounds = shapely.bounds(shapes) if len(shapes) else np.empty((0, 4))
        spots = shapely.point_on_surface(shapes)
        lon, lat = shapely.get_x(spots), shapely.get_y(spots)
        self.spots = Points(lon, lat, held.ids)
        self.minzoom = max(_zoom_for(lon, lat, MOST_CELLS), _zoom_of_size(self.bounds))
        self.likely = range(_zoom_of_extent(self.bounds), MAXZOOM + 1)
        self.label_zoom = max(_zoom_for(lon, lat, MOST_LABELS), min(self.minzoom + 1, MAXZOOM))
        self.told: dict[str, Any] = {
            "code": self.codes,
            "name": self.names,
            "area_code": self.area_codes,
            "area_m2": np.round(self.areas_m2, 1),
            "perimeter_m": np.round(self.perimeters_m, 1),
            "colour": self.colours,
        }
        self.digests = digests_of(shapes, {"id": held.ids, **self.told})
        self.groups, self._group_codes, self._group_rows = _grouped(shapes, self.area_codes)
        codes = ["" if code is None else code for code in self._group_codes]
        self._group_told = {"area_code": self._group_codes, "colour": steady_colours(self.groups, codes)}
        self._group_digests = digests_of(self.groups, self._group_told)
        self.group_bounds = shapely.bounds(self.groups) if len(self.groups) else np.empty((0, 4))
        self.group_drawn = Coverage(self.groups, np.arange(1, len(self.groups) + 1))

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.codes)

    def prepare(self, zoom: int) -> None:
        """Make what the first tile of a zoom would wait for."""
        self._at(zoom).prepare(zoom)

    def ready(self, zoom: int) -> bool:
        """Tell whether that has been made."""
        return self._at(zoom).ready(zoom)

    def _at(self, zoom: int) -> Coverage:
        return self.group_drawn if zoom < self.minzoom else self.drawn

    def tile_set(self, counts: Mapping[str, Integers], area_names: Mapping[str, str]) -> "CellTiles":
        """Return the tiles of the cells with counts of entities.

        Parameters
        ----------
        counts
            By column, in the order of the cells, shape (n,).
        area_names
            The names of areas by code.
        """
        own = pd.DataFrame({"own": self.digests, **counts})
        labels = {"code": self.codes, "name": self.names}
        parts = [
            Part(
                "cells",
                self.drawn,
                {**self.told, **counts},
                frame_digests(own),
                self.bounds,
                self.area_codes,
                minzoom=self.minzoom,
            ),
            Part(
                "cell_borders",
                self.drawn,
                {},
                self.digests,
                self.bounds,
                self.area_codes,
                minzoom=self.minzoom,
                encode=self.drawn.borders,
            ),
            Part(
                "cell_labels",
                self.spots,
                labels,
                self.digests,
                self.bounds,
                self.area_codes,
                minzoom=self.label_zoom,
            ),
        ]
        if self.minzoom > 0:
            summed = {
                **self._group_told,
                "name": texts([area_names.get(code) for code in self._group_codes]),
                "cells": self._sums(np.ones(len(self), dtype=np.int64)),
                "area_m2": np.round(self._sums(self.areas_m2), 1),
                **{column: self._sums(numbers) for column, numbers in counts.items()},
            }
            parts += [
                Part(
                    "cell_groups",
                    self.group_drawn,
                    summed,
                    frame_digests(pd.DataFrame({"own": self._group_digests, **summed})),
                    self.group_bounds,
                    self._group_codes,
                    maxzoom=self.minzoom - 1,
                ),
                Part(
                    "group_borders",
                    self.group_drawn,
                    {},
                    self._group_digests,
                    self.group_bounds,
                    self._group_codes,
                    maxzoom=self.minzoom - 1,
                    encode=self.group_drawn.borders,
                ),
            ]
        return CellTiles(self, counts, parts)

    def _sums(self, values: NDArray[Any]) -> NDArray[Any]:
        sums = np.zeros(len(self.groups), dtype=values.dtype)
        np.add.at(sums, self._group_rows, values)
        return sums


class CellTiles(TileSet):
    """The tiles of the cells, and the table that they are made of.

    Attributes
    ----------
    ground
        The cells.
    counts
        By column, shape (n,).
    """

    def __init__(self, ground: CellGround, counts: Mapping[str, Integers], parts: Sequence[Part]) -> None:
        super().__init__("cells", parts)
        self.ground = ground
        self.counts = counts
        self._numbers, found = pd.factorize(ground.area_codes)
        self._areas = found.tolist()

    def ready(self, zoom: int) -> bool:
        """Tell whether nobody would wait for the ground of a tile of a zoom."""
        return self.ground.ready(zoom)

    def visible(self, scope: Scope) -> Booleans:
        """Return which cells a caller may see, shape (n,)."""
        if scope is None:
            return np.ones(len(self.ground), dtype=bool)
        # The last place answers for -1, no area.
        seen: Booleans = np.array([code in scope for code in self._areas] + [False])[self._numbers]
        return seen

    def measures(self) -> dict[str, NDArray[Any]]:
        """Return what cells are measured by, as their tiles tell it: n values each."""
        told = self.ground.told
        return {"area_m2": told["area_m2"], "perimeter_m": told["perimeter_m"], **self.counts}


def _grouped(shapes: Objects, area_codes: Objects) -> tuple[Objects, Objects, Integers]:
    """Unite the cells of each area; return shapes and codes of the groups, and the group of each cell."""
    numbers, codes = pd.factorize(area_codes, use_na_sentinel=False)
    order = np.argsort(numbers, kind="stable")
    cuts = np.searchsorted(numbers[order], np.arange(1, len(codes)))
    united: Objects = np.empty(len(codes), dtype=object)
    for group, rows in enumerate(np.split(order, cuts) if len(codes) else []):
        # Borders inside the groups go, the vertices of their outlines stay: the groups are a coverage too.
        united[group] = shapely.coverage_union_all(shapes[rows])
    return united, texts([None if pd.isna(code) else code for code in codes]), numbers.astype(np.int64)


def _zoom_for(lon: NDArray[np.float64], lat: NDArray[np.float64], most: int) -> int:
    """Return the smallest zoom at which no tile holds more than so many places."""
    inside = np.clip(np.radians(lat), -1.48, 1.48)
    across = np.clip(lon / _WORLD_DEGREES + 0.5, 0.0, 1.0 - 1e-12)
    down = np.clip(0.5 - np.arcsinh(np.tan(inside)) / (2 * np.pi), 0.0, 1.0 - 1e-12)
    for zoom in range(MAXZOOM):
        side = 1 << zoom
        tiles = (down * side).astype(np.int64) * side + (across * side).astype(np.int64)
        if not len(tiles) or np.unique(tiles, return_counts=True)[1].max() <= most:
            return zoom
    return MAXZOOM


def _zoom_of_extent(bounds: NDArray[np.float64]) -> int:
    """Return the smallest zoom at which all cells together are as wide as half a tile."""
    if not np.isfinite(bounds).any():
        return 0
    width = float(np.nanmax(bounds[:, 2]) - np.nanmin(bounds[:, 0])) / _WORLD_DEGREES
    return int(np.clip(np.ceil(np.log2(0.5 / max(width, 1e-9))), 0, MAXZOOM))


def _zoom_of_size(bounds: NDArray[np.float64]) -> int:
    """Return the smallest zoom at which half of the cells are more than a dot."""
    widths = bounds[:, 2] - bounds[:, 0]
    if not np.isfinite(widths).any():
        return 0
    width = float(np.nanmedian(widths)) / _WORLD_DEGREES * EXTENT
    return int(np.clip(np.ceil(np.log2(_LEAST_UNITS / max(width, 1e-9))), 0, MAXZOOM))
