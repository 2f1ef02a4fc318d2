"""Division of areas of the database into blocks along the streets of the base map."""

from collections.abc import Sequence

import geopandas as gpd
from sqlalchemy.orm import Session

from gis.codes import CodeLayout
from gis.progress import Note, Progress
from layers.divisions.ground import read_ground
from layers.divisions.linework import LINE_KINDS, read_buildings, read_linework
from layers.divisions.method import Division, count_line
from layers.models import Scheme
from layers.plans.schemes import scheme_profile

MAX_LISTED_CUT = 1_000
"""How many buildings that were cut a summary lists; all are counted."""


def divide(
    session: Session,
    scheme: Scheme,
    area_code: str | None = None,
    *,
    target_area_m2: float = 10_000.0,
    lines: Sequence[str] = LINE_KINDS,
    street_classes: Sequence[str] | None = None,
    barriers: Sequence[str] = (),
    keep_buildings: bool = True,
    level: str | None = None,
    crs: str | None = None,
    code_layout: CodeLayout = "auto",
    note: Note | None = None,
    progress: Progress | None = None,
) -> Division:
    """Divide an area into blocks, with codes that the scheme has not given yet.

    Parameters
    ----------
    area_code, level, crs
        As for `layers.divisions.ground.read_ground`.
    lines
        The kinds of the base map that bound blocks.
    street_classes
        Only roads of these classes bound blocks; all when not given.
    barriers
        The kinds of the base map that no cell crosses.
    keep_buildings
        Cut no building of the base map; one that must be is listed with the reason.
    target_area_m2, code_layout, note, progress
        As for `gis.divide.divide_blocks`, whose `layout` is that of the codes.

    Raises
    ------
    InputError
        If the base map has no lines there, or as for `read_ground` and `divide_blocks`.
    NotFoundError
        If there is no such area.
    """
    from gis.divide import divide_blocks

    ground = read_ground(session, scheme, area_code, level=level, crs=crs)
    drawn = read_linework(session, ground.areas, lines, classes=street_classes)
    made = divide_blocks(
        ground.areas,
        drawn,
        barriers=read_linework(session, ground.areas, barriers) if barriers else None,
        keep=read_buildings(session, ground.areas) if keep_buildings else None,
        target_area_m2=target_area_m2,
        crs=ground.crs,
        used_codes=ground.used_codes,
        layout=code_layout,
        profile=scheme_profile(scheme) if code_layout == "auto" else None,
        note=note,
        progress=progress,
    )
    if not keep_buildings:
        return Division(made.cells, lines=[count_line(made.cells)])
    listed = made.cut[["name", "reason"]].head(MAX_LISTED_CUT).astype(object)
    figures = {
        "cut": len(made.cut),
        "cut_buildings": listed.where(listed.notna(), None).to_dict("records"),
    }
    return Division(made.cells, figures, [count_line(made.cells), *_cut_lines(made.cut)])


def _cut_lines(cut: gpd.GeoDataFrame) -> list[str]:
    counts = cut["reason"].value_counts()
    return [f"buildings cut: {len(cut):,}", *(f"  {count:,}: {reason}" for reason, count in counts.items())]
