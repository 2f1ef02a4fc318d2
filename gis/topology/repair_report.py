"""What a repair did: frames of the pieces that changed cells, the change of each cell, a summary in lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.arrays import Geometries
from gis.crs import LONLAT
from gis.topology.face_graph import FaceGraph
from gis.topology.fill_blanks import Blank
from gis.topology.findings import format_area, join_codes
from gis.topology.overlap_resolution import Reassignment
from gis.topology.polygon_layer import PolygonLayer

REPAIR_CHANGE_COLUMNS = ("kind", "codes", "to_code", "area_m2", "detail", "geometry")
"""The columns of a frame of changes."""


@dataclass(frozen=True, eq=False)
class RepairChange:
    """Ground that was reassigned, or stayed blank (`to_code` is ""), in the working CRS."""

    kind: str
    codes: str
    to_code: str
    area_m2: float
    detail: str
    geometry: shapely.Geometry


def reassignment_changes(
    kind: str, reassignments: Sequence[Reassignment], cell_layer: PolygonLayer, face_graph: FaceGraph
) -> list[RepairChange]:
    """Describe which cell got the ground of an "overlap", or of a "fragment" cut off from its cell."""
    changes = []
    for reassignment in reassignments:
        codes, to_code = (
            join_codes(cell_layer.codes[reassignment.previous_cells]),
            str(cell_layer.codes[reassignment.assigned_cell]),
        )
        area = float(face_graph.area_m2[reassignment.faces].sum())
        what = f"shared by cells {codes}" if kind == "overlap" else f"cut off from cell {codes}"
        detail = f"{format_area(area)} {what} went to {to_code}."
        changes.append(
            RepairChange(kind, codes, to_code, area, detail, face_graph.union_faces(reassignment.faces))
        )
    return changes


def blank_changes(
    blanks: Sequence[Blank], cell_layer: PolygonLayer, face_graph: FaceGraph
) -> list[RepairChange]:
    """Describe what was done with blanks."""
    changes = []
    for one in blanks:
        codes, area = join_codes(cell_layer.codes[one.neighbours]), float(face_graph.area_m2[one.faces].sum())
        to_code = str(cell_layer.codes[one.assigned_cell]) if one.assigned_cell >= 0 else ""
        fate = f"went to {to_code}" if to_code else f"is left, for it is {one.reason}"
        changes.append(
            RepairChange(
                "blank", codes, to_code, area, f"A blank of {format_area(area)} {fate}.", one.geometry
            )
        )
    return changes


def build_change_frame(changes: Sequence[RepairChange], crs: CRS) -> gpd.GeoDataFrame:
    """Return changes in EPSG:4326 with `REPAIR_CHANGE_COLUMNS`, the largest first."""
    ordered = sorted(changes, key=lambda change: (-change.area_m2, change.codes, change.to_code))
    rows = [
        (change.kind, change.codes, change.to_code, change.area_m2, change.detail, change.geometry)
        for change in ordered
    ]
    table = pd.DataFrame(rows, columns=list(REPAIR_CHANGE_COLUMNS)).astype({"area_m2": float})
    return gpd.GeoDataFrame(table, geometry="geometry", crs=crs).to_crs(LONLAT)


def cell_change_table(cell_layer: PolygonLayer, polygons: Geometries) -> pd.DataFrame:
    """Compare each cell's area and number of pieces before and after.

    Returns
    -------
    DataFrame
        code, area_before_m2, area_after_m2, change_m2, change_share, parts_before, parts_after.
    """
    before, after = shapely.area(cell_layer.polygons), shapely.area(polygons)
    return pd.DataFrame(
        {
            "code": cell_layer.codes,
            "area_before_m2": before,
            "area_after_m2": after,
            "change_m2": after - before,
            "change_share": (after - before) / before,
            "parts_before": shapely.get_num_geometries(cell_layer.polygons).astype(np.int64),
            "parts_after": shapely.get_num_geometries(polygons).astype(np.int64),
        }
    )


def summary_lines(
    changes: pd.DataFrame,
    reassigned: gpd.GeoDataFrame,
    filled_blanks: gpd.GeoDataFrame,
    remaining_blanks: gpd.GeoDataFrame,
    made_valid_count: int,
) -> list[str]:
    """Return a repair in lines for a person."""
    changed = int((changes["change_m2"].abs() > 1e-3).sum())
    lines = [f"{len(changes):,} cells kept, {changed:,} of them changed"]
    if made_valid_count:
        lines.append(f"  {_count_phrase(made_valid_count, 'invalid record')} mended")
    for kind, what in (("overlap", "piece"), ("fragment", "fragment")):
        part = reassigned[reassigned["kind"] == kind]
        how = "of overlaps awarded" if kind == "overlap" else "cut off from their cells moved"
        if len(part):
            lines.append(
                f"  {_count_phrase(len(part), what)} {how}, {format_area(float(part['area_m2'].sum()))}"
            )
    if len(filled_blanks):
        lines.append(
            f"  {_count_phrase(len(filled_blanks), 'blank')} filled, "
            f"{format_area(float(filled_blanks['area_m2'].sum()))}"
        )
    if changed:
        worst = changes.iloc[int(changes["change_m2"].abs().to_numpy().argmax())]
        lines.append(
            f"  largest change of area: cell {worst['code']} "
            f"{float(worst['change_m2']):+,.2f} m² ({float(worst['change_share']):+.2%})"
        )
    if len(remaining_blanks):
        lines.append(
            f"  {_count_phrase(len(remaining_blanks), 'blank')} left, "
            f"{format_area(float(remaining_blanks['area_m2'].sum()))}; "
            "give the areas if they are meant to be left out, or a larger max width to fill them"
        )
        lines += [f"    {detail}" for detail in remaining_blanks["detail"].head(5)]
    return lines


def _count_phrase(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
