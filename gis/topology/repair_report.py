"""What a repair did: frames of the ground that changed hands, the change of each cell, lines for a person."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.crs import LONLAT
from gis.topology.face_graph import Mosaic
from gis.topology.fill_blanks import Blank
from gis.topology.findings import join_codes, metres2
from gis.topology.overlap_resolution import Award
from gis.topology.polygon_layer import Geometries, Records

COLUMNS = ("kind", "codes", "to_code", "area_m2", "detail", "geometry")
"""The columns of a frame of deeds."""


@dataclass(frozen=True, eq=False)
class Deed:
    """Ground that changed hands, or stayed blank (`to` is ""), in the working CRS."""

    kind: str
    codes: str
    to: str
    area_m2: float
    detail: str
    shape: shapely.Geometry


def awarded(kind: str, awards: Sequence[Award], records: Records, mosaic: Mosaic) -> list[Deed]:
    """Tell who got the ground of an "overlap", or of a "fragment" cut off from its cell."""
    deeds = []
    for award in awards:
        codes, to = join_codes(records.codes[award.claimants]), str(records.codes[award.winner])
        area = float(mosaic.size[award.faces].sum())
        what = f"shared by cells {codes}" if kind == "overlap" else f"cut off from cell {codes}"
        story = f"{metres2(area)} {what} went to {to}."
        deeds.append(Deed(kind, codes, to, area, story, mosaic.shape(award.faces)))
    return deeds


def blank(blanks: Sequence[Blank], records: Records, mosaic: Mosaic) -> list[Deed]:
    """Tell what became of blanks."""
    deeds = []
    for one in blanks:
        codes, area = join_codes(records.codes[one.around]), float(mosaic.size[one.faces].sum())
        to = str(records.codes[one.winner]) if one.winner >= 0 else ""
        fate = f"went to {to}" if to else f"is left, for it is {one.reason}"
        deeds.append(Deed("blank", codes, to, area, f"A blank of {metres2(area)} {fate}.", one.shape))
    return deeds


def deed_frame(deeds: Sequence[Deed], crs: CRS) -> gpd.GeoDataFrame:
    """Return deeds in EPSG:4326 with `COLUMNS`, the largest first."""
    ordered = sorted(deeds, key=lambda deed: (-deed.area_m2, deed.codes, deed.to))
    rows = [(deed.kind, deed.codes, deed.to, deed.area_m2, deed.detail, deed.shape) for deed in ordered]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"area_m2": float})
    return gpd.GeoDataFrame(table, geometry="geometry", crs=crs).to_crs(LONLAT)


def change_table(records: Records, polygons: Geometries) -> pd.DataFrame:
    """Compare each cell's area and number of pieces before and after.

    Returns
    -------
    DataFrame
        code, area_before_m2, area_after_m2, change_m2, change_share, parts_before, parts_after.
    """
    before, after = shapely.area(records.polygons), shapely.area(polygons)
    return pd.DataFrame(
        {
            "code": records.codes,
            "area_before_m2": before,
            "area_after_m2": after,
            "change_m2": after - before,
            "change_share": (after - before) / before,
            "parts_before": shapely.get_num_geometries(records.polygons).astype(np.int64),
            "parts_after": shapely.get_num_geometries(polygons).astype(np.int64),
        }
    )


def story(
    changes: pd.DataFrame,
    resolved: gpd.GeoDataFrame,
    filled: gpd.GeoDataFrame,
    left: gpd.GeoDataFrame,
    mended: int,
) -> list[str]:
    """Tell a repair in lines for a person."""
    changed = int((changes["change_m2"].abs() > 1e-3).sum())
    lines = [f"{len(changes):,} cells kept, {changed:,} of them changed"]
    if mended:
        lines.append(f"  {_count(mended, 'invalid record')} mended")
    for kind, what in (("overlap", "piece"), ("fragment", "fragment")):
        part = resolved[resolved["kind"] == kind]
        how = "of overlaps awarded" if kind == "overlap" else "cut off from their cells moved"
        if len(part):
            lines.append(f"  {_count(len(part), what)} {how}, {metres2(float(part['area_m2'].sum()))}")
    if len(filled):
        lines.append(f"  {_count(len(filled), 'blank')} filled, {metres2(float(filled['area_m2'].sum()))}")
    if changed:
        worst = changes.iloc[int(changes["change_m2"].abs().to_numpy().argmax())]
        lines.append(
            f"  largest change of area: cell {worst['code']} "
            f"{float(worst['change_m2']):+,.2f} m² ({float(worst['change_share']):+.2%})"
        )
    if len(left):
        lines.append(
            f"  {_count(len(left), 'blank')} left, {metres2(float(left['area_m2'].sum()))}; "
            "give the areas if they are meant to be left out, or a larger max width to fill them"
        )
        lines += [f"    {detail}" for detail in left["detail"].head(5)]
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
