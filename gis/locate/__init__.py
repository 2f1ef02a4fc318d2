"""Which polygon of a coverage holds a point, borders included."""

from gis.locate.point_locator import PointLocator

__all__ = ["PointLocator"]
