"""Division of areas of the database into squares."""

from sqlalchemy.orm import Session

from gis.codes import CodeLayout
from gis.divide import divide_square
from gis.divide.square import DEFAULT_MIN_SHARE
from gis.progress import Note, Progress, no_note
from layers.divisions.ground import read_ground
from layers.divisions.method import Division, count_line
from layers.models import Scheme
from layers.plans.schemes import scheme_profile


def divide(
    session: Session,
    scheme: Scheme,
    area_code: str | None = None,
    *,
    size_m: float,
    min_share: float = DEFAULT_MIN_SHARE,
    level: str | None = None,
    crs: str | None = None,
    code_layout: CodeLayout = "auto",
    note: Note | None = None,
    progress: Progress | None = None,
) -> Division:
    """Divide an area into squares, with codes that the scheme has not given yet.

    Parameters
    ----------
    area_code, level, crs
        As for `layers.divisions.ground.read_ground`.
    size_m, min_share, code_layout, note, progress
        As for `gis.divide.divide_square`, whose `layout` is that of the codes.

    Raises
    ------
    InputError
        As for `read_ground` and `divide_square`.
    NotFoundError
        If there is no such area.
    """
    ground = read_ground(session, scheme, area_code, level=level, crs=crs)
    cells = divide_square(
        ground.areas,
        size_m=size_m,
        min_share=min_share,
        crs=ground.crs,
        layout=code_layout,
        profile=scheme_profile(scheme) if code_layout == "auto" else None,
        used_codes=ground.used_codes,
        note=note or no_note,
        progress=progress,
    )
    return Division(cells, lines=[count_line(cells)])
