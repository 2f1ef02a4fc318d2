"""The tile set of the cells in force: cells, their borders and labels, and groups at low zooms."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.colours import stable_colours
from gis.measures import CellFigures, CellShapes, computed_measures
from layers.snapshot import CellsInForce
from layers.tiles import EXTENT, CoverageLayer, PointLayer
from layers.tilesets.tile_set import (
    MAXZOOM,
    LayerPart,
    TileSet,
    VisibleAreas,
    hash_features,
    hash_rows,
    object_array,
)

MAX_TILE_CELLS, MAX_TILE_LABELS = 6_000, 1_500
"""The most cells, and labels, in a tile; below that zoom there are groups instead, and no labels."""

_MIN_CELL_UNITS = 12.0
# A cell a pixel and a half wide is a dot; its group shows more.

_WORLD_DEGREES = 360.0


class CellLayers:
    """The layers from which tiles of cells are drawn as long as the cells stay the same; immutable.

    Parameters
    ----------
    cells
        The cells in force.

    Attributes
    ----------
    codes, names, area_codes, colours
        Of the cells, in the order of their ids, shape (n,).
    measures
        The attributes of their tiles that are measures, in the order of the catalogue.
    minzoom
        The first zoom at which cells are drawn.
    likely_zooms
        The zooms that are likely to be looked at: from the one at which the cells fill half a tile.
    """

    def __init__(self, cells: CellsInForce) -> None:
        self.cells = cells
        versions = cells.versions
        self.codes, self.names, self.area_codes = (
            object_array(versions.codes),
            object_array(versions.names),
            versions.area_codes,
        )
        self.measures = computed_measures()
        geometries = np.array(versions.geometries, dtype=object)
        self._shapes = CellShapes(geometries)
        self.colours = stable_colours(geometries, self.codes.tolist())
        self.polygons = CoverageLayer(geometries, versions.ids)
        self.bounds = shapely.bounds(geometries) if len(geometries) else np.empty((0, 4))
        points = shapely.point_on_surface(geometries)
        lon, lat = shapely.get_x(points), shapely.get_y(points)
        self.label_points = PointLayer(lon, lat, versions.ids)
        self.minzoom = max(_zoom_for_density(lon, lat, MAX_TILE_CELLS), _zoom_for_cell_size(self.bounds))
        self.likely_zooms = range(_zoom_for_extent(self.bounds), MAXZOOM + 1)
        self.label_minzoom = max(_zoom_for_density(lon, lat, MAX_TILE_LABELS), min(self.minzoom + 1, MAXZOOM))
        self.properties: dict[str, Any] = {
            "code": self.codes,
            "name": self.names,
            "area_code": self.area_codes,
            # What depends on the cells alone need not be computed again whenever an entity changes.
            **{each.key: each.values(self._figures({})) for each in self.measures if not each.entity_kinds},
            "colour": self.colours,
        }
        self.digests = hash_features(geometries, {"id": versions.ids, **self.properties})
        self.group_geometries, self._group_codes, self._group_rows = _dissolve_by_area(
            geometries, self.area_codes
        )
        codes = ["" if code is None else code for code in self._group_codes]
        self._group_properties = {
            "area_code": self._group_codes,
            "colour": stable_colours(self.group_geometries, codes),
        }
        self._group_digests = hash_features(self.group_geometries, self._group_properties)
        self.group_bounds = (
            shapely.bounds(self.group_geometries) if len(self.group_geometries) else np.empty((0, 4))
        )
        self.group_polygons = CoverageLayer(
            self.group_geometries, np.arange(1, len(self.group_geometries) + 1)
        )

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.codes)

    def prepare(self, zoom: int) -> None:
        """Prepare what the first tile of a zoom would otherwise wait for."""
        self._layer_at(zoom).prepare(zoom)

    def is_ready(self, zoom: int) -> bool:
        """Return whether that has been made."""
        return self._layer_at(zoom).is_ready(zoom)

    def _layer_at(self, zoom: int) -> CoverageLayer:
        return self.group_polygons if zoom < self.minzoom else self.polygons

    def make_tile_set(self, counts: Mapping[str, IntArray], area_names: Mapping[str, str]) -> "CellTileSet":
        """Return the tiles of the cells with counts of entities.

        Parameters
        ----------
        counts
            By kind of entity, in the order of the cells, shape (n,).
        area_names
            The names of areas by code.
        """
        figures = self._figures(counts)
        counted = {each.key: each.values(figures) for each in self.measures if each.entity_kinds}
        own = pd.DataFrame({"own": self.digests, **counted})
        labels = {"code": self.codes, "name": self.names}
        parts = [
            LayerPart(
                "cells",
                self.polygons,
                {**self.properties, **counted},
                hash_rows(own),
                self.bounds,
                self.area_codes,
                minzoom=self.minzoom,
            ),
            LayerPart(
                "cell_borders",
                self.polygons,
                {},
                self.digests,
                self.bounds,
                self.area_codes,
                minzoom=self.minzoom,
                encode=self.polygons.encode_borders,
            ),
            LayerPart(
                "cell_labels",
                self.label_points,
                labels,
                self.digests,
                self.bounds,
                self.area_codes,
                minzoom=self.label_minzoom,
            ),
        ]
        if self.minzoom > 0:
            groups = len(self.group_geometries)
            grouped = {
                **self._group_properties,
                "name": object_array([area_names.get(code) for code in self._group_codes]),
                "cells": np.bincount(self._group_rows, minlength=groups),
                **{each.key: each.group_values(figures, self._group_rows, groups) for each in self.measures},
            }
            parts += [
                LayerPart(
                    "cell_groups",
                    self.group_polygons,
                    grouped,
                    hash_rows(pd.DataFrame({"own": self._group_digests, **grouped})),
                    self.group_bounds,
                    self._group_codes,
                    maxzoom=self.minzoom - 1,
                ),
                LayerPart(
                    "group_borders",
                    self.group_polygons,
                    {},
                    self._group_digests,
                    self.group_bounds,
                    self._group_codes,
                    maxzoom=self.minzoom - 1,
                    encode=self.group_polygons.encode_borders,
                ),
            ]
        values = {**self.properties, **counted}
        return CellTileSet(self, {each.key: values[each.key] for each in self.measures}, parts)

    def _figures(self, counts: Mapping[str, IntArray]) -> CellFigures:
        versions = self.cells.versions
        return CellFigures(versions.areas_m2, versions.perimeters_m, counts, self._shapes)


class CellTileSet(TileSet):
    """The tile set of the cells, and the table it is made from.

    Attributes
    ----------
    cell_layers
        The cells.
    values
        The values of each measure in the tiles, shape (n,), by its key in the order of the catalogue.
    """

    def __init__(
        self, cell_layers: CellLayers, values: Mapping[str, NDArray[Any]], parts: Sequence[LayerPart]
    ) -> None:
        super().__init__("cells", parts)
        self.cell_layers = cell_layers
        self.values = values
        self._numbers, found = pd.factorize(cell_layers.area_codes)
        self._areas = found.tolist()

    def is_ready(self, zoom: int) -> bool:
        """Return whether a tile of a zoom can be drawn without waiting for its geometry."""
        return self.cell_layers.is_ready(zoom)

    def visible_mask(self, scope: VisibleAreas) -> BoolArray:
        """Return which cells a caller may see, shape (n,)."""
        if scope is None:
            return np.ones(len(self.cell_layers), dtype=bool)
        # The last element stands for -1, no area.
        seen: BoolArray = np.array([code in scope for code in self._areas] + [False])[self._numbers]
        return seen


def _dissolve_by_area(
    geometries: ObjectArray, area_codes: ObjectArray
) -> tuple[ObjectArray, ObjectArray, IntArray]:
    """Unite the cells of each area; return geometries and codes of the groups, and the group of each cell."""
    numbers, codes = pd.factorize(area_codes, use_na_sentinel=False)
    order = np.argsort(numbers, kind="stable")
    cuts = np.searchsorted(numbers[order], np.arange(1, len(codes)))
    united: ObjectArray = np.empty(len(codes), dtype=object)
    for group, rows in enumerate(np.split(order, cuts) if len(codes) else []):
        # Borders inside groups are dropped, the vertices of their outlines stay: the groups are a coverage
        # too.
        united[group] = shapely.coverage_union_all(geometries[rows])
    return united, object_array([None if pd.isna(code) else code for code in codes]), numbers.astype(np.int64)


def _zoom_for_density(lon: FloatArray, lat: FloatArray, most: int) -> int:
    """Return the smallest zoom at which no tile holds more than so many points."""
    inside = np.clip(np.radians(lat), -1.48, 1.48)
    across = np.clip(lon / _WORLD_DEGREES + 0.5, 0.0, 1.0 - 1e-12)
    down = np.clip(0.5 - np.arcsinh(np.tan(inside)) / (2 * np.pi), 0.0, 1.0 - 1e-12)
    for zoom in range(MAXZOOM):
        side = 1 << zoom
        tiles = (down * side).astype(np.int64) * side + (across * side).astype(np.int64)
        if not len(tiles) or np.unique(tiles, return_counts=True)[1].max() <= most:
            return zoom
    return MAXZOOM


def _zoom_for_extent(bounds: FloatArray) -> int:
    """Return the smallest zoom at which all cells together are as wide as half a tile."""
    if not np.isfinite(bounds).any():
        return 0
    width = float(np.nanmax(bounds[:, 2]) - np.nanmin(bounds[:, 0])) / _WORLD_DEGREES
    return int(np.clip(np.ceil(np.log2(0.5 / max(width, 1e-9))), 0, MAXZOOM))


def _zoom_for_cell_size(bounds: FloatArray) -> int:
    """Return the smallest zoom at which half of the cells are more than a dot."""
    widths = bounds[:, 2] - bounds[:, 0]
    if not np.isfinite(widths).any():
        return 0
    width = float(np.nanmedian(widths)) / _WORLD_DEGREES * EXTENT
    return int(np.clip(np.ceil(np.log2(_MIN_CELL_UNITS / max(width, 1e-9))), 0, MAXZOOM))
