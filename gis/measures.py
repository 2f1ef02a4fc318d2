"""Measures of cells: area, perimeter, compactness, geodesic area, loads.

Everything is computed in the metric working CRS from longitude, latitude frames.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Geod

from gis.crs import choose_working_crs, to_lonlat, to_working_crs
from gis.errors import InputError

FloatArray = NDArray[np.float64]

MAX_AREA_DISTORTION = 0.005
"""The share by which areas may differ between the working CRS and the ellipsoid; a zone has up to 0.002."""

_SAMPLE = 300


def measure_cells(cells: gpd.GeoDataFrame, crs: CRS | None = None) -> gpd.GeoDataFrame:
    """Return the cells with `area_m2` and `perimeter_m` computed anew.

    Parameters
    ----------
    cells
        Polygons in EPSG:4326; None and empty geometries measure 0.
    crs
        The working CRS, chosen from the extent when not given.

    Returns
    -------
    GeoDataFrame
        A copy with the same index and order.
    """
    measured = cells.copy()
    geometries = _projected_geometries(cells, crs)
    measured["area_m2"] = np.nan_to_num(shapely.area(geometries))
    measured["perimeter_m"] = np.nan_to_num(shapely.length(geometries))
    return measured


def area_m2(cells: gpd.GeoDataFrame, crs: CRS | None = None) -> FloatArray:
    """Area of each geometry in the working CRS, m², shape (n,)."""
    return np.nan_to_num(shapely.area(_projected_geometries(cells, crs)))


def perimeter_m(cells: gpd.GeoDataFrame, crs: CRS | None = None) -> FloatArray:
    """Length of each geometry's border in the working CRS, metres, holes included, shape (n,)."""
    return np.nan_to_num(shapely.length(_projected_geometries(cells, crs)))


def compactness(area: ArrayLike, perimeter: ArrayLike) -> FloatArray:
    """Polsby-Popper compactness 4πA/P²: 1 for a circle, 0.785 for a square, 0 where there is no perimeter.

    Parameters
    ----------
    area, perimeter
        In m² and metres (or one unit and its square), shape (n,).

    References
    ----------
    Polsby, D. D. and Popper, R. D. (1991), The Third Criterion, Yale Law & Policy Review 9 (2).
    """
    a, p = np.asarray(area, dtype=float), np.asarray(perimeter, dtype=float)
    result: FloatArray = np.divide(4 * np.pi * a, p**2, out=np.zeros(np.broadcast(a, p).shape), where=p > 0)
    return result


def geodesic_area_m2(cells: gpd.GeoDataFrame) -> FloatArray:
    """Area of each polygon on the WGS 84 ellipsoid, m², shape (n,), to verify the working CRS against.

    Edges are geodesics (Karney 2013, as in `pyproj.Geod`); holes are taken off. About 10 µs a ring.
    """
    parts, cell = shapely.get_parts(_geometries_without_none(to_lonlat(cells)), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    if not len(rings):
        return np.zeros(len(cells))
    geod = Geod(ellps="WGS84")
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    pieces = np.split(xy, np.flatnonzero(np.diff(ring)) + 1)
    areas = np.array([abs(geod.polygon_area_perimeter(piece[:, 0], piece[:, 1])[0]) for piece in pieces])
    exterior = np.r_[True, part[1:] != part[:-1]]
    signed = np.where(exterior, areas, -areas)
    return np.bincount(cell[part], weights=signed, minlength=len(cells)).astype(np.float64)


def area_ratio(cells: gpd.GeoDataFrame, crs: CRS | None = None) -> FloatArray:
    """Area in the working CRS over geodesic area, shape (n,); NaN where a geometry has no area.

    Within its zone the ratio stays in 1 to 1.0007 in a 3-degree Gauss-Kruger zone and in 0.9992 to 1.002 in
    UTM; a layer farther from 1 is measured in the wrong zone.
    """
    planar, geodesic = area_m2(cells, crs), geodesic_area_m2(cells)
    ratio: FloatArray = np.divide(planar, geodesic, out=np.full(len(planar), np.nan), where=geodesic > 0)
    return ratio


def area_distortion(cells: gpd.GeoDataFrame, crs: CRS) -> float:
    """Return by what share the areas measured in a working CRS sum to more than on the ellipsoid.

    Parameters
    ----------
    cells
        Polygons in any CRS; those that are invalid, or lie on both sides of the 180th meridian, do not count.
    crs
        The working CRS.

    Returns
    -------
    float
        Of a sample of `_SAMPLE` polygons spread over the rows; 0 where there is nothing to compare, infinite
        where they cannot be projected.
    """
    rows = np.unique(np.linspace(0, len(cells) - 1, min(len(cells), _SAMPLE)).astype(np.int64))
    sample = to_lonlat(gpd.GeoDataFrame(geometry=_geometries_without_none(cells)[rows], crs=cells.crs))
    geometries = np.asarray(sample.geometry, dtype=object)
    west, _, east, _ = shapely.bounds(geometries).T
    sample = sample[
        (shapely.get_dimensions(geometries) == 2) & shapely.is_valid(geometries) & (east - west < 180)
    ]
    geodesic = float(geodesic_area_m2(sample).sum())
    if not geodesic > 0:
        return 0.0
    planar = float(shapely.area(np.asarray(sample.geometry.to_crs(crs), dtype=object)).sum())
    return planar / geodesic - 1 if np.isfinite(planar) else np.inf


def require_low_distortion(cells: gpd.GeoDataFrame, crs: CRS) -> None:
    """Refuse a working CRS in which polygons are not as large as they are.

    Raises
    ------
    InputError
        If their areas differ by more than `MAX_AREA_DISTORTION`.
    """
    distortion = area_distortion(cells, crs)
    if abs(distortion) > MAX_AREA_DISTORTION:
        raise InputError(
            f"Areas measured in {crs.to_string()} sum to {1 + distortion:.4g} times "
            "their size on the ellipsoid; "
            "name no working CRS to get the zone that fits, or take the layer in parts."
        )


def resolve_working_crs(cells: gpd.GeoDataFrame, crs: CRS | None) -> CRS:
    """Return the working CRS named for a layer, or choose one where none is.

    A layer too wide for any zone, such as a whole country, keeps the zone of its middle: how cells lie to one
    another can be told there too. A CRS that somebody names has to be as good as that, or true.

    Raises
    ------
    InputError
        If areas in the CRS differ by more than `MAX_AREA_DISTORTION`, and by more than twice what they do in
        the zone that would be chosen.
    """
    if crs is None:
        return choose_working_crs(cells)
    distortion = abs(area_distortion(cells, crs))
    if distortion > MAX_AREA_DISTORTION and distortion > 2 * abs(
        area_distortion(cells, choose_working_crs(cells))
    ):
        require_low_distortion(cells, crs)
    return crs


def entity_load(
    cells: gpd.GeoDataFrame, assigned: pd.DataFrame, *, kind: str | None = None, weight: str | None = None
) -> pd.Series:
    """Add up the entities assigned to each cell.

    Parameters
    ----------
    cells
        With unique `code`.
    assigned
        Entities with `cell_code` (None: counted nowhere) and, when `kind` is given, `kind`.
    kind
        Count entities of this kind only, for example ``"household"``.
    weight
        Column to sum instead of counting rows; missing values count as 0.

    Returns
    -------
    Series
        Aligned with the index of `cells`, 0 where nothing is assigned; int64 for counts, float64 for sums.

    Raises
    ------
    InputError
        If a column is missing, or an entity names a cell that is not among the cells.
    """
    needed = ["cell_code", *(["kind"] if kind is not None else []), *([weight] if weight is not None else [])]
    for column in needed:
        if column not in assigned.columns:
            raise InputError(
                f"The entities have no column '{column}'; assign them to cells first or name another column."
            )
    rows = assigned if kind is None else assigned[assigned["kind"] == kind]
    rows = rows[rows["cell_code"].notna()]
    unknown = ~rows["cell_code"].isin(cells["code"])
    if unknown.any():
        code = rows.loc[unknown, "cell_code"].iloc[0]
        raise InputError(
            f"{int(unknown.sum())} entities name cells that are not in the plan, first '{code}'; assign anew."
        )
    if weight is None:
        totals: pd.Series = (
            rows.groupby("cell_code").size().reindex(cells["code"], fill_value=0).astype(np.int64)
        )
    else:
        numbers = pd.to_numeric(rows[weight], errors="coerce").fillna(0.0).astype(float)
        totals = numbers.groupby(rows["cell_code"]).sum().reindex(cells["code"], fill_value=0.0)
    return pd.Series(totals.to_numpy(), index=cells.index, name=weight or kind or "entities")


def _projected_geometries(cells: gpd.GeoDataFrame, crs: CRS | None) -> NDArray[np.object_]:
    geometries = _geometries_without_none(cells)
    if shapely.is_empty(geometries).all():
        return geometries
    lonlat = to_lonlat(gpd.GeoDataFrame(geometry=geometries, crs=cells.crs))
    return np.asarray(to_working_crs(lonlat, crs).geometry, dtype=object)


def _geometries_without_none(cells: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Geometries with None made empty."""
    geometries = np.array(cells.geometry, dtype=object)
    geometries[shapely.is_missing(geometries)] = shapely.Polygon()
    return geometries
