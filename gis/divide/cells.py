"""The frame of cells: pieces united into cells, numbered, named, measured, in longitude and latitude."""

from collections.abc import Collection, Mapping

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis import codes
from gis.arrays import FloatArray, Geometries, IntArray, ObjectArray
from gis.crs import LONLAT, geometries_to_lonlat
from gis.divide.division_input import DivisionInput
from gis.errors import CoverageError
from gis.levels.unions import unite_groups
from gis.profiles import Profile

_MAX_AREA_DIFFERENCE_M2 = 0.01


def dissolve_pieces(pieces: Geometries, group: NDArray[np.intp]) -> tuple[Geometries, NDArray[np.intp]]:
    """Unite the pieces of each group, keeping every vertex that a neighbour may share.

    Parameters
    ----------
    pieces
        Shape (n,), polygons of a valid coverage.
    group
        Shape (n,), any integers; pieces with the same number form a cell and are connected by borders.

    Returns
    -------
    cells, groups
        Polygons, and their group numbers in ascending order.
    """
    unions, groups = unite_groups(pieces, group)
    return shapely.get_geometry(unions, 0), groups


def build_cells_frame(
    division_input: DivisionInput,
    geometry: Geometries,
    area_index: NDArray[np.intp],
    representative_point: FloatArray,
    row: IntArray,
    *,
    kind: str | ObjectArray,
    layout: codes.CodeLayout = "auto",
    profile: Profile | None = None,
    used_codes: Collection[str] = frozenset(),
    lonlat: Geometries | None = None,
    columns: Mapping[str, FloatArray | IntArray] | None = None,
) -> gpd.GeoDataFrame:
    """Make the frame of cells, sorted by area (in the order of the areas) and sequence.

    Parameters
    ----------
    division_input
        The areas that were divided.
    geometry
        Shape (n,), polygons in the working CRS.
    area_index
        Shape (n,), the position in `division_input` of each cell's area.
    representative_point
        Shape (n, 2), x and y in metres of the location that orders each cell.
    row
        Shape (n,), the row of each cell in reading order, ascending to the south.
    kind
        The method's word for its cells, or one for each.
    layout, profile, used_codes
        See `gis.codes.choose_profile` and `gis.codes.number_cells`.
    lonlat
        The polygons as they are stored, in EPSG:4326; projected from `geometry` when not given.
    columns
        Further columns by name, shape (n,) each, before the geometry.

    Returns
    -------
    GeoDataFrame
        In EPSG:4326: code, name, kind, area_code, area_m2, perimeter_m (of the working CRS), geometry.

    Raises
    ------
    CapacityError
        If an area has more cells than its sequence digits can number.
    InputError
        If the codes of the areas do not fit the profile.
    CoverageError
        If the cells of an area do not sum to it.
    """
    area_m2 = shapely.area(geometry)
    _check_area_sums(division_input, area_m2, area_index)
    area_code = division_input.code[area_index]
    chosen = codes.choose_profile(
        division_input.code, in_china=division_input.in_china, layout=layout, profile=profile
    )
    numbers = codes.number_cells(
        area_code,
        representative_point[:, 0],
        representative_point[:, 1],
        row,
        profile=chosen,
        used_codes=used_codes,
    )
    order = np.lexsort((numbers.sequence, area_index))
    return gpd.GeoDataFrame(
        {
            "code": numbers.code[order],
            "name": _cell_names(division_input, area_index, numbers.sequence)[order],
            "kind": kind if isinstance(kind, str) else kind[order],
            "area_code": area_code[order],
            "area_m2": area_m2[order],
            "perimeter_m": shapely.length(geometry)[order],
            **{name: values[order] for name, values in (columns or {}).items()},
        },
        geometry=geometries_to_lonlat(geometry[order], division_input.crs)
        if lonlat is None
        else lonlat[order],
        crs=LONLAT,
    )


def _cell_names(
    division_input: DivisionInput, area_index: NDArray[np.intp], sequence: IntArray
) -> ObjectArray:
    """Name cells after their area: "和平社区 第012网格" in China, "Fontvieille 012" elsewhere.

    The only cell of an undivided area, which has no number, is "和平社区 网格" or "Fontvieille".
    """
    called = np.where(division_input.name == "", division_input.code, division_input.name)[area_index]
    width = max(3, len(str(sequence.max(initial=0))))
    before, after = ("第", "网格") if division_input.in_china else ("", "")
    names = np.empty(len(area_index), dtype=object)
    names[:] = [
        f"{area} {before}{n:0{width}d}{after}" if n else f"{area} {after}".rstrip()
        for area, n in zip(called.tolist(), sequence.tolist(), strict=True)
    ]
    return names


def _check_area_sums(
    division_input: DivisionInput, area_m2: FloatArray, area_index: NDArray[np.intp]
) -> None:
    whole = shapely.area(division_input.geometry)
    difference = np.bincount(area_index, weights=area_m2, minlength=len(whole)) - whole
    # Rounding moves borders of any length, and sums of large numbers are not exact.
    allowed = _MAX_AREA_DIFFERENCE_M2 + 1e-7 * shapely.length(division_input.geometry) + 1e-12 * whole
    for k in np.flatnonzero(np.abs(difference) > allowed)[:1]:
        raise CoverageError(
            f"The cells of area '{division_input.code[k]}' differ from it by "
            f"{difference[k]:+.3f} m²: its border "
            "nearly touches itself or another area's; run wangge repair first."
        )
