"""How far areas in a working CRS differ from those on the ellipsoid, and the working CRS for a layer."""

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.crs import choose_working_crs, to_lonlat
from gis.errors import InputError
from gis.measures.sizes import geodesic_area_m2, geometries_without_none

MAX_AREA_DISTORTION = 0.005
"""The share by which areas may differ between the working CRS and the ellipsoid; a zone has up to 0.002."""

_SAMPLE = 300


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
    sample = to_lonlat(gpd.GeoDataFrame(geometry=geometries_without_none(cells)[rows], crs=cells.crs))
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
    another can be seen there too. A CRS that the caller names has to be as good as that, or true.

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
