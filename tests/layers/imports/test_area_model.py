"""Areas of every day under random adjustments and undos equal a model that keeps the map of each day."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import geopandas as gpd
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from gis.crs import LONLAT
from gis.errors import ConflictError
from layers.areas.grounds import AreaGrounds
from layers.areas.hierarchy import read_hierarchy
from layers.areas.locator import AreaLocator
from layers.areas.queries import area_codes
from layers.db.database import Database
from layers.imports.area_undo import undo_adjustment
from layers.imports.areas import import_areas
from layers.models import Area, AreaAdjustment, AreaLineage
from layers.snapshot.read import read_area_timeline

SQUARES = [shapely.box(114 + i / 100, 22.5, 114 + (i + 1) / 100, 22.51) for i in range(6)]
CENTRES = shapely.centroid(SQUARES)
STREETS = ("S1", "S2")
START = date.today() - timedelta(days=4)
DAYS = [START + timedelta(days=number) for number in range(6)]

Community = tuple[str, str, frozenset[int]]
"""Name, street, squares."""


def first() -> dict[str, Community]:
    return {f"c{i}": (f"c{i}", STREETS[i // 3], frozenset({i})) for i in range(6)}


@dataclass
class Model:
    """The map of each day, made anew from all adjustments that stand."""

    taken: dict[int, tuple[date, dict[str, Community | None]]] = field(default_factory=dict)

    def on(self, day: date) -> dict[str, Community]:
        communities: dict[str, Community | None] = dict(first())
        for start, changes in sorted(self.taken.values(), key=lambda each: each[0]):
            if start <= day:
                communities |= changes
        return {code: each for code, each in communities.items() if each is not None}


def frame(changes: dict[str, Community | None]) -> gpd.GeoDataFrame:
    kept = {code: each for code, each in changes.items() if each is not None}
    shapes = [shapely.coverage_union_all([SQUARES[i] for i in sorted(each[2])]) for each in kept.values()]
    return gpd.GeoDataFrame(
        {
            "code": list(kept),
            "name": [each[0] for each in kept.values()],
            "level": "village",
            "parent": [each[1] for each in kept.values()],
        },
        geometry=shapes,
        crs=LONLAT,
    )


def draw_changes(rng: Random, present: dict[str, Community], number: int) -> dict[str, Community | None]:
    codes = sorted(present)
    code = rng.choice(codes)
    name, street, squares = present[code]
    other = rng.choice([each for each in codes if each != code])
    kind = rng.choice(["merge", "absorb", "split", "part", "redraw", "rename", "move", "renumber"])
    new = f"n{number}"
    if kind in ("merge", "absorb"):
        union = squares | present[other][2]
        if kind == "merge":
            return {code: None, other: None, new: (new, street, union)}
        return {other: None, code: (name, street, union)}
    if kind in ("split", "part") and len(squares) > 1:
        one = frozenset(sorted(squares)[: len(squares) // 2])
        if kind == "split":
            return {code: None, new: (new, street, one), f"{new}b": (new, street, squares - one)}
        return {code: (name, street, squares - one), new: (new, street, one)}
    if kind == "redraw" and len(squares) > 1:
        given = min(squares)
        beside = present[other]
        return {
            code: (name, street, squares - {given}),
            other: (beside[0], beside[1], beside[2] | {given}),
        }
    if kind == "move":
        return {code: (name, STREETS[street == STREETS[0]], squares)}
    if kind == "renumber":
        return {code: None, new: (name, street, squares)}
    return {code: (f"{name}'", street, squares)}


def must_be(database: Database, model: Model) -> None:
    with database.read() as session:
        timeline = read_area_timeline(session)
        grounds = AreaGrounds(session)
        owned = {}
        for day in DAYS:
            present = model.on(day)
            owner = {square: code for code, each in present.items() for square in each[2]}
            assert AreaLocator(session, on=day).locate(CENTRES).tolist() == [owner[i] for i in range(6)]
            streets = {each[1] for each in present.values()}
            assert area_codes(session, day) == present.keys() | streets
            hierarchy, tree = read_hierarchy(session, day), timeline.on(day)
            for street in streets:
                beneath = {code for code, each in present.items() if each[1] == street}
                assert hierarchy.subtree(street) == beneath | {street}
            for code, (name, street, squares) in present.items():
                assert [(each.code, each.name) for each in tree.chain(code)] == [
                    (code, name),
                    (street, street),
                ]
                owned[day, code] = (squares, grounds.pieces(code, day))
            # On one day no two areas have a piece of ground in common.
            pieces = [piece for code in present for piece in owned[day, code][1]]
            assert len(pieces) == len(set(pieces))


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9))
def test_every_day_is_as_a_model_keeps_it(database: Database, seed: int) -> None:
    with database.write() as session:
        for model_class in (AreaLineage, Area, AreaAdjustment):
            session.execute(delete(model_class))
    streets = [shapely.coverage_union_all(SQUARES[:3]), shapely.coverage_union_all(SQUARES[3:])]
    beginning = frame(dict(first()))
    towns = gpd.GeoDataFrame(
        {"code": STREETS, "name": STREETS, "level": "town", "parent": None}, geometry=streets, crs=LONLAT
    )
    import_areas(database, towns)
    import_areas(database, beginning)
    model, rng = Model(), Random(seed)
    for number in range(8):
        if model.taken and rng.random() < 0.25:
            chosen = rng.choice(sorted(model.taken))
            try:
                with database.write() as session:
                    undo_adjustment(session, chosen, author="t")
            except ConflictError:
                continue
            else:
                del model.taken[chosen]
        else:
            day = rng.choice(DAYS[1:])
            present = model.on(day)
            changes = draw_changes(rng, present, number)
            # A street without a community keeps its ground, and is not what this is about.
            left = present | changes
            if {each[1] for each in left.values() if each is not None} != set(STREETS):
                continue
            try:
                done = import_areas(database, frame(changes), on=day, parents_from_children=True)
            except ConflictError:
                # It changes on a later day already.
                continue
            else:
                assert done.adjustment is not None
                model.taken[done.adjustment] = (day, changes)
    must_be(database, model)
