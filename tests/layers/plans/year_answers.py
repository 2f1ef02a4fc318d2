"""What the product answers about a day of a year, in the words of the model."""

from collections.abc import Iterable, Mapping
from datetime import date

import geopandas as gpd
import shapely
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from layers.models import CellGroup, Officer, Post
from layers.staff.responsible import ResponsibleLevel
from tests.layers.plans.naive_year import Answering, Drawn, Held, Place, Point


def read_held(session: Session, day: date) -> dict[Place, Held]:
    """Return who holds posts on a day, none twice, also in cells and areas that are not in force."""
    lasting = or_(Post.valid_to.is_(None), Post.valid_to > day)
    chosen = (
        select(Post.cell_code, CellGroup.code, Post.area_code, Officer.external_id, Post.rank)
        .join(Officer, Officer.id == Post.officer_id)
        .outerjoin(CellGroup, CellGroup.id == Post.group_id)
    )
    found: dict[Place, Held] = {}
    for *codes, officer, rank in session.execute(chosen.where(Post.valid_from <= day, lasting)):
        place = next(
            (kind, code)
            for kind, code in zip(("cell", "group", "area"), codes, strict=True)
            if code is not None
        )
        found.setdefault(place, set()).add((officer, rank))
    return found


def drawn_cells(frame: gpd.GeoDataFrame) -> dict[str, Drawn]:
    """Return cells as the model has them."""
    values = zip(frame.geometry, frame["area_code"], strict=True)
    return dict(zip(frame["code"], (Drawn(*each) for each in values), strict=True))


def owners_of(drawn: Mapping[str, Drawn], places: Iterable[Point]) -> list[list[str]]:
    """Return the cells in which each place lies."""
    return [
        [code for code, cell in drawn.items() if shapely.intersects_xy(cell.polygon, *point)]
        for point in places
    ]


def answering_at(levels: Iterable[ResponsibleLevel]) -> dict[Place, Answering]:
    """Return who is there at each level, and who acts."""
    return {
        (each.level if each.level in ("cell", "group") else "area", each.code): {
            (post.officer.external_id, post.rank, post.acting) for post in each.posts if not post.absent
        }
        for each in levels
    }
