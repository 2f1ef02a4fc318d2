"""Measures of cells: the catalogue of them, what they are computed from, and sizes in the working CRS.

What a measure is called, how it is computed, rounded, written, classed and aggregated is the `Measure`'s own;
counting entities in a database is left to `layers`.
"""

from gis.measures.balance import (
    LoadFigures,
    PlanFigures,
    balance_index,
    deviations,
    is_out_of_tolerance,
    plan_figures,
)
from gis.measures.catalogue import (
    DEVIATION,
    MEASURES,
    computed_measures,
    count_keys,
    counted_kinds,
    deviation_measure,
    measure_of_column,
    shape_measures,
)
from gis.measures.distortion import (
    MAX_AREA_DISTORTION,
    area_distortion,
    require_low_distortion,
    resolve_working_crs,
)
from gis.measures.loads import entity_load, load_columns
from gis.measures.measure import (
    Aggregation,
    CellFigures,
    Measure,
    Prominence,
    Quantity,
    format_quantity,
    round_for_display,
)
from gis.measures.shapes import (
    WALKING_M_PER_MIN,
    CellShapes,
    bounding_radii,
    compactness_index,
    polsby_popper,
    reock,
    walk_minutes,
)
from gis.measures.sizes import area_m2, geodesic_area_m2, measure_cells

__all__ = [
    "DEVIATION",
    "MAX_AREA_DISTORTION",
    "MEASURES",
    "WALKING_M_PER_MIN",
    "Aggregation",
    "CellFigures",
    "CellShapes",
    "LoadFigures",
    "Measure",
    "PlanFigures",
    "Prominence",
    "Quantity",
    "area_distortion",
    "area_m2",
    "balance_index",
    "bounding_radii",
    "compactness_index",
    "computed_measures",
    "count_keys",
    "counted_kinds",
    "deviation_measure",
    "deviations",
    "entity_load",
    "format_quantity",
    "geodesic_area_m2",
    "is_out_of_tolerance",
    "load_columns",
    "measure_cells",
    "measure_of_column",
    "plan_figures",
    "polsby_popper",
    "reock",
    "require_low_distortion",
    "resolve_working_crs",
    "round_for_display",
    "shape_measures",
    "walk_minutes",
]
