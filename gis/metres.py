"""Coordinates in metres that were taken for degrees: which CRS they may be in."""

from typing import NamedTuple

import numpy as np

from gis.arrays import FloatArray

_ZONE_M = 1_000_000
# CGCS2000 / Gauss-Kruger, whose eastings begin with the number of the zone: EPSG codes less that number.
_SIX_DEGREE_ZONES, _SIX_DEGREE_EPSG = range(13, 24), 4478
_THREE_DEGREE_ZONES, _THREE_DEGREE_EPSG = range(25, 46), 4488
_CHINA_NORTHINGS_M = 1_800_000, 6_000_000
_MAX_EASTING_M = 1_000_000


class MetricReading(NamedTuple):
    """How coordinates in metres seem to be meant.

    Attributes
    ----------
    is_north_first
        Whether the first is the northing.
    zone
        The zone with whose number the eastings begin; None if they begin with none.
    epsg
        The CRS of the zone.
    """

    is_north_first: bool
    zone: int | None
    epsg: int | None


def read_metres(x: FloatArray, y: FloatArray) -> MetricReading | None:
    """Recognise the order and the zone of Gauss-Kruger coordinates in China; None if they are none.

    Parameters
    ----------
    x, y
        In the order of the file, shape (n,), finite.
    """
    for easting, northing, is_north_first in ((x, y, False), (y, x, True)):
        if not _lies_between(northing, *_CHINA_NORTHINGS_M):
            continue
        zones = np.unique(easting // _ZONE_M)
        if len(zones) == 1 and (zone := int(zones[0])) in _SIX_DEGREE_ZONES:
            return MetricReading(is_north_first, zone, _SIX_DEGREE_EPSG + zone)
        if len(zones) == 1 and zone in _THREE_DEGREE_ZONES:
            return MetricReading(is_north_first, zone, _THREE_DEGREE_EPSG + zone)
        if _lies_between(easting, 0, _MAX_EASTING_M):
            return MetricReading(is_north_first, None, None)
    return None


def describe_metres(x: FloatArray, y: FloatArray, swap: str) -> str:
    """Return a sentence that says what coordinates in metres seem to be, and how to have them read.

    Parameters
    ----------
    x, y
        As for `read_metres`.
    swap
        How the user has the two exchanged.
    """
    found = read_metres(x, y)
    if found is None:
        return f"{x[0]:.10g}, {y[0]:.10g}; if they are metres, give their CRS with --source-crs."
    order = f"the northing stands first; {swap}; " if found.is_north_first else ""
    if found.zone is None:
        zone = "they look like metres of a Gauss-Kruger zone; give it with --source-crs, as EPSG:4547."
        return order + zone
    return f"{order}the eastings begin with the zone {found.zone}; give --source-crs EPSG:{found.epsg}."


def _lies_between(values: FloatArray, least: float, most: float) -> bool:
    return bool(((values >= least) & (values <= most)).all())
