"""Measures of cells: the catalogue of them, what they are computed from, and sizes in the working CRS.

What a measure is called, how it is computed, rounded, written, classed and aggregated is the `Measure`'s own;
counting entities in a database is left to `layers`.
"""

from gis.measures.catalogue import (
    MEASURES,
    computed_measures,
    count_keys,
    counted_kinds,
    measure_of_column,
)
from gis.measures.distortion import (
    MAX_AREA_DISTORTION,
    area_distortion,
    require_low_distortion,
    resolve_working_crs,
)
from gis.measures.loads import entity_load
from gis.measures.measure import (
    Aggregation,
    CellFigures,
    Measure,
    Prominence,
    Quantity,
    format_quantity,
    round_for_display,
)
from gis.measures.sizes import area_m2, geodesic_area_m2, measure_cells

__all__ = [
    "MAX_AREA_DISTORTION",
    "MEASURES",
    "Aggregation",
    "CellFigures",
    "Measure",
    "Prominence",
    "Quantity",
    "area_distortion",
    "area_m2",
    "computed_measures",
    "count_keys",
    "counted_kinds",
    "entity_load",
    "format_quantity",
    "geodesic_area_m2",
    "measure_cells",
    "measure_of_column",
    "require_low_distortion",
    "resolve_working_crs",
    "round_for_display",
]
