"""What lies inside cells: how many, how much ground, what length, and sums of fields."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.crs import choose_working_crs, to_lonlat, to_working_crs
from gis.errors import InputError
from gis.locate import PointLocator
from gis.measures import CellFigures, shape_measures
from gis.near_matches import near_matches

CLASS_COLUMNS = ("class_name", "class", "类别")
"""Where the class of a record stands, the first that there is."""


class CellContents:
    """Cells and the layers of what lies inside them; each figure is computed when it is first asked for.

    A record belongs to the cell that its `cell_code` names, where the layer has that column; else to the one
    in which it lies, a line or polygon with its inner point. Ground and lengths are cut at borders of cells.

    Parameters
    ----------
    cells
        With unique `code` and valid polygons, in any CRS.
    layers
        Entities and features of the base map by their kinds, each in any CRS, with any columns.
    crs
        The working CRS, chosen from the extent when not given.

    Raises
    ------
    InputError
        If a layer names a cell that is not among the cells.
    """

    def __init__(
        self, cells: gpd.GeoDataFrame, layers: Mapping[str, gpd.GeoDataFrame], crs: CRS | None = None
    ) -> None:
        self.cells = cells.reset_index(drop=True)
        self.layers = {kind: frame.reset_index(drop=True) for kind, frame in layers.items()}
        self._crs = choose_working_crs(self.cells) if crs is None else crs
        self._owners = {kind: self._find_owners(kind, frame) for kind, frame in self.layers.items()}
        self._pieces: dict[str, tuple[IntArray, IntArray, ObjectArray]] = {}

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.cells)

    @property
    def outside(self) -> dict[str, int]:
        """How many records of each layer lie in no cell."""
        return {kind: int((owners < 0).sum()) for kind, owners in self._owners.items()}

    @cached_property
    def figures(self) -> CellFigures:
        """What measures of the cells' shapes are computed from."""
        return CellFigures.of(self.cells, self._crs)

    def count(self, kind: str, classes: Sequence[str] | None) -> FloatArray:
        """Return how many records of a layer belong to each cell, shape (n,)."""
        return self._add_up(kind, self._of_classes(kind, classes).astype(float))

    def total(self, kind: str, classes: Sequence[str] | None, field: str) -> FloatArray:
        """Return the sums of a field over the records that belong to each cell; missing values count as 0.

        Raises
        ------
        InputError
            If the layer has no such field, or it holds something else than numbers.
        """
        numbers = _numbers(self.layers[kind], field, f"The layer of {kind}")
        return self._add_up(kind, np.where(self._of_classes(kind, classes), np.nan_to_num(numbers), 0))

    def covered_m2(self, kind: str, classes: Sequence[str] | None) -> FloatArray:
        """Return the ground of each cell that a layer covers, each spot once, m², shape (n,)."""
        cell, record, pieces = self._clipped(kind)
        chosen = self._of_classes(kind, classes)[record] & (shapely.get_dimensions(pieces) == 2)
        cell, pieces = cell[chosen], pieces[chosen]
        areas = np.bincount(cell, weights=shapely.area(pieces), minlength=len(self)).astype(np.float64)
        starts = np.searchsorted(cell, np.arange(len(self) + 1))
        for row in np.flatnonzero(np.diff(starts) > 1):
            areas[row] = shapely.disjoint_subset_union_all(pieces[starts[row] : starts[row + 1]]).area
        return areas

    def length_m(self, kind: str, classes: Sequence[str] | None) -> FloatArray:
        """Return the length of the lines of a layer in each cell, m, shape (n,)."""
        cell, record, pieces = self._clipped(kind)
        chosen = self._of_classes(kind, classes)[record] & (shapely.get_dimensions(pieces) == 1)
        lengths = np.where(chosen, shapely.length(pieces), 0.0)
        return np.bincount(cell, weights=lengths, minlength=len(self)).astype(np.float64)

    def own(self, name: str) -> FloatArray:
        """Return a number of the cells themselves: a column, or a measure of their shapes.

        Raises
        ------
        InputError
            If there is neither, or the column holds something else than numbers.
        """
        if name not in self.cells.columns:
            for measure in shape_measures():
                if measure.key == name:
                    return measure.values(self.figures).astype(np.float64)
        measures = [each.key for each in shape_measures()]
        return _numbers(self.cells, name, "The cells", measures)

    def _of_classes(self, kind: str, classes: Sequence[str] | None) -> BoolArray:
        frame = self.layers[kind]
        if classes is None:
            return np.ones(len(frame), dtype=bool)
        column = next((name for name in CLASS_COLUMNS if name in frame.columns), None)
        if column is None:
            return np.zeros(len(frame), dtype=bool)
        wanted = {each.strip().casefold() for each in classes}
        return np.array([str(value).strip().casefold() in wanted for value in frame[column]], dtype=bool)

    def _add_up(self, kind: str, weights: FloatArray) -> FloatArray:
        owners = self._owners[kind]
        inside = owners >= 0
        sums = np.bincount(owners[inside], weights=weights[inside], minlength=len(self))
        return sums.astype(np.float64)

    def _find_owners(self, kind: str, frame: gpd.GeoDataFrame) -> IntArray:
        """Return the position of the cell of each record, -1 for none."""
        index = pd.Index(self.cells["code"])
        if "cell_code" in frame.columns:
            owners: IntArray = index.get_indexer(frame["cell_code"]).astype(np.int64)
            unknown = (owners < 0) & frame["cell_code"].notna().to_numpy()
            if unknown.any():
                code = frame["cell_code"][unknown].iloc[0]
                raise InputError(
                    f"{int(unknown.sum())} records of {kind} name cells that are not among the cells, "
                    f"first '{code}'; assign them again."
                )
            return owners
        geometries = np.asarray(to_lonlat(frame[[frame.geometry.name]]).geometry, dtype=object)
        points = shapely.point_on_surface(geometries)
        xy, row = shapely.get_coordinates(points, return_index=True)
        locator = PointLocator(self.cells)
        found = locator.find_owners(xy[:, 0], xy[:, 1])
        places = index.get_indexer(locator.codes)
        inside: IntArray = np.full(len(frame), -1, dtype=np.int64)
        inside[row] = np.where(found >= 0, places[found], -1)
        return inside

    @cached_property
    def _projected(self) -> ObjectArray:
        return np.asarray(to_working_crs(to_lonlat(self.cells), self._crs).geometry, dtype=object)

    def _clipped(self, kind: str) -> tuple[IntArray, IntArray, ObjectArray]:
        """Return the pieces of a layer inside cells with cell and record of each, sorted by cell."""
        if kind not in self._pieces:
            frame = self.layers[kind]
            lonlat = to_lonlat(frame[[frame.geometry.name]])
            geometries = np.asarray(to_working_crs(lonlat, self._crs).geometry, dtype=object)
            geometries = shapely.make_valid(geometries)
            tree = shapely.STRtree(geometries)
            cell, record = tree.query(self._projected, predicate="intersects")
            order = np.argsort(cell, kind="stable")
            cell, record = cell[order], record[order]
            self._pieces[kind] = cell, record, shapely.intersection(self._projected[cell], geometries[record])
        return self._pieces[kind]


def _numbers(frame: pd.DataFrame, name: str, owner: str, more: Sequence[str] = ()) -> FloatArray:
    known = [str(column) for column in frame.columns if column != "geometry"]
    if name not in known:
        raise InputError(f"{owner} has no field '{name}' ({near_matches(name, [*known, *more])}).")
    numbers: FloatArray = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = ~np.isfinite(numbers) & frame[name].notna().to_numpy()
    if wrong.any():
        raise InputError(f"{owner} has '{frame[name][wrong].iloc[0]}' in field '{name}', which is no number.")
    return numbers


Figure = Callable[[CellContents, str, Sequence[str] | None, str], FloatArray]
"""Values of each cell from the contents, a layer, classes of it (None: all) and a field."""


def _share(contents: CellContents, kind: str, classes: Sequence[str] | None, _: str) -> FloatArray:
    areas = contents.figures.areas_m2
    covered = contents.covered_m2(kind, classes)
    return np.divide(covered, areas, out=np.zeros(len(areas)), where=areas > 0)


FIGURES: Mapping[str, Figure] = {
    "count": lambda contents, kind, classes, _: contents.count(kind, classes),
    "sum": lambda contents, kind, classes, field: contents.total(kind, classes, field),
    "share": _share,
    "area_m2": lambda contents, kind, classes, _: contents.covered_m2(kind, classes),
    "length_m": lambda contents, kind, classes, _: contents.length_m(kind, classes),
    "cell": lambda contents, _kind, _classes, field: contents.own(field),
}
"""What a condition may ask for: records, sums of a field, the share of the ground that is covered, that
ground, the length of lines, and a number of the cell itself."""
