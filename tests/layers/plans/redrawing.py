"""Two people who redraw a draft at random, with everything that follows from it recomputed beside it."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS
from sqlalchemy import insert, select

from gis.antimeridian import project_joined
from gis.assign import assign_to_cells
from gis.crs import LONLAT
from gis.errors import ConflictError, StaleError, WanggeError
from gis.redraw import CellSet, Command, Edit
from gis.redraw.command import require_change
from layers.db.database import Database
from layers.models import Entity, Plan, Scheme
from layers.plans.cells import plan_cells
from layers.plans.edit_effects import count_effects
from layers.plans.edits import EditRequest, EditResult, RenumberRequest, edit_plan, redo, undo
from layers.plans.renumbering import complete_renumbering
from tests.gis.redraw.towns import random_command

PEOPLE = ("anna", "ben")
GROUND_KEPT_M2 = 0.01
_COLUMNS = ["code", "name", "kind", "parent", "area_code", "attributes", "personal", "area_m2", "perimeter_m"]

Rows = dict[str, tuple[Any, ...]]
"""All that a draft has of each cell, by code; its polygon as WKB."""


def add_random_entities(database: Database, cells: gpd.GeoDataFrame, number: int, seed: int) -> None:
    """Add households beside and on the vertices of cells, and sensors along lines and over ground."""
    rng = np.random.default_rng(seed)
    west, south, east, north = cells.total_bounds
    places = rng.uniform((west, south), (east, north), (number, 2))
    places[::5] = rng.choice(shapely.get_coordinates(cells.geometry.array), len(places[::5]))
    shapes: list[shapely.Geometry] = list(shapely.points(places))
    size = (east - west) / 30
    for row in range(1, number, 7):
        shapes[row] = shapely.LineString([places[row], places[row] + rng.normal(0, size, 2)])
    for row in range(3, number, 11):
        shapes[row] = shapely.buffer(shapes[row], rng.uniform(0.1, 1) * size, quad_segs=2)
    common = {"attributes": {}, "personal": {}, "valid_from": date(2026, 1, 1), "version": 1}
    kinds = ["household" if shape.geom_type == "Point" else "sensor" for shape in shapes]
    rows = [
        {"kind": kind, "external_id": str(row), "geometry": shape, **common}
        for row, (kind, shape) in enumerate(zip(kinds, shapes, strict=True))
    ]
    with database.write() as session:
        session.execute(insert(Entity), rows)


class _Done(NamedTuple):
    edit: Edit
    before: Rows
    after: Rows


class Redrawing:
    """A draft, the people who redraw it, and what must be after each step.

    Parameters
    ----------
    size
        Of a cell in degrees.
    """

    def __init__(self, database: Database, plan_id: int, *, size: float, seed: int) -> None:
        self._database, self._plan_id, self._size = database, plan_id, size
        self._rng = np.random.default_rng(seed)
        with database.read() as session:
            plan = session.get_one(Plan, plan_id)
            self._crs = CRS.from_user_input(session.get_one(Scheme, plan.scheme_id).working_crs)
            entities = session.execute(select(Entity.kind, Entity.geometry).order_by(Entity.id)).all()
        self._kinds = [kind for kind, _ in entities]
        self._entities = gpd.GeoDataFrame(geometry=[shape for _, shape in entities], crs=LONLAT)
        self._version = plan.version
        self._seen = dict.fromkeys(PEOPLE, self._version)
        self._codes_of_version: dict[int, set[str]] = {}
        self._done: list[_Done] = []
        self._undone: list[_Done] = []
        self.taken, self.refused, self.greatest_loss_m2 = Counter[str](), Counter[str](), 0.0
        self._cells, self._rows = self._read()
        self._ever, self._ground = set(self._rows), self._ground_by_area()
        self._owners = self._recount_owners()

    def step(self) -> None:
        """Let somebody edit, undo or redo, who may have missed the last steps."""
        person = str(self._rng.choice(PEOPLE))
        if self._rng.random() < 0.7:
            self._seen[person] = self._version
        chosen = self._rng.random()
        if chosen < 0.6:
            self._edit(person)
        elif chosen < 0.82:
            self._step_back(undo, person)
        else:
            self._step_back(redo, person)

    def undo_all(self) -> None:
        """Undo all edits, the last first."""
        while self._done:
            self._seen["ben"] = self._version
            self._step_back(undo, "ben")

    def _edit(self, person: str) -> None:
        whole = CellSet.from_frame(self._cells, crs=self._crs, used_codes=self._ever)
        request, command = self._random_request(whole)

        def take(version: int) -> EditResult:
            return self._write(lambda session: edit_plan(
                session, self._plan_id, request, version=version, author=person
            ))  # fmt: skip

        expected, reason = None, ""
        try:
            expected = require_change(command.edit(whole))
        except WanggeError as error:
            reason = str(error)
        if expected is None:
            self.refused[f"{command.name}: {''.join(each for each in reason if not each.isdigit())}"] += 1
            with pytest.raises(WanggeError) as caught:
                take(self._seen[person])
            assert str(caught.value) == reason, command
            return
        before = self._rows
        if self._take(take, person, expected):
            self._done.append(_Done(expected, before, self._rows))
            self._undone.clear()

    def _random_request(self, whole: CellSet) -> tuple[EditRequest, Command]:
        """Return what is asked for, and the command that it comes to."""
        if self._rng.random() > 0.06:
            command = random_command(whole, self._rng, size=self._size, parts=True)
            return command, command
        request = RenumberRequest(only_new=bool(self._rng.random() < 0.5))
        with self._database.read() as session:
            plan = session.get_one(Plan, self._plan_id)
            return request, complete_renumbering(session, plan, None, only_new=request.only_new)

    def _step_back(self, step: Callable[..., EditResult], person: str) -> None:
        source, target = (self._done, self._undone) if step is undo else (self._undone, self._done)

        def take(version: int) -> EditResult:
            return self._write(lambda session: step(session, self._plan_id, version=version, author=person))

        if not source:
            with pytest.raises(ConflictError, match="has no edit"):
                take(self._seen[person])
            return
        last = source[-1]
        if self._take(take, person, last.edit.inverse() if step is undo else last.edit):
            assert self._rows == (last.before if step is undo else last.after)
            target.append(source.pop())

    def _write(self, step: Callable[..., EditResult]) -> EditResult:
        with self._database.write() as session:
            done = step(session)
            self._effects = count_effects(session, self._plan_id, done.drawn.edit)
            return done

    def _take(self, take: Callable[[int], EditResult], person: str, expected: Edit) -> bool:
        """Take a step and judge what it leaves; return False if it is refused, as it must be."""
        codes = {cell.code for cell in (*expected.before, *expected.after)}
        seen = self._seen[person]
        if any(codes & theirs for version, theirs in self._codes_of_version.items() if version > seen):
            self.refused["stale"] += 1
            with pytest.raises(StaleError):
                take(seen)
            return False
        done = take(seen)
        edit, self._version = done.drawn.edit, done.plan.version
        self.taken[f"{done.step.action} {done.step.command}"] += 1
        self._seen[person] = self._version
        self._codes_of_version[self._version] = codes
        self._ever |= codes
        for cells, others in ((edit.before, expected.before), (edit.after, expected.after)):
            assert [cell[:-1] for cell in cells] == [cell[:-1] for cell in others]
            assert [cell.geometry.wkb for cell in cells] == [cell.geometry.wkb for cell in others]
        self._cells, self._rows = self._read()
        self._require_coverage()
        self._require_measures()
        self._require_effects(edit)
        return True

    def _read(self) -> tuple[gpd.GeoDataFrame, Rows]:
        with self._database.read() as session:
            assert session.get_one(Plan, self._plan_id).version == self._version
            cells = plan_cells(session, self._plan_id)
        rows = cells[_COLUMNS].itertuples(index=False, name=None)
        wkb = shapely.to_wkb(cells.geometry.to_numpy())
        return cells, {row[0]: (*row, shape) for row, shape in zip(rows, wkb, strict=True)}

    def _metres(self) -> np.ndarray:
        return project_joined(self._cells.geometry.to_numpy(), LONLAT, self._crs)

    def _ground_by_area(self) -> dict[str, shapely.Geometry]:
        metres, areas = self._metres(), self._cells["area_code"].to_numpy()
        return {area: shapely.coverage_union_all(metres[areas == area]) for area in sorted(set(areas))}

    def _require_coverage(self) -> None:
        """The plan is a coverage, and each area has all of its ground and no other: cells nest in it."""
        metres = self._metres()
        assert shapely.coverage_is_valid(self._cells.geometry.to_numpy())
        assert shapely.coverage_is_valid(metres)
        found = self._ground_by_area()
        assert found.keys() == self._ground.keys()
        for area, ground in self._ground.items():
            lost = shapely.symmetric_difference(ground, found[area]).area
            self.greatest_loss_m2 = max(self.greatest_loss_m2, lost)
            assert lost <= GROUND_KEPT_M2
            cells = metres[(self._cells["area_code"] == area).to_numpy()]
            assert shapely.area(cells).sum() == pytest.approx(ground.area, abs=GROUND_KEPT_M2)

    def _require_measures(self) -> None:
        metres = self._metres()
        np.testing.assert_allclose(self._cells["area_m2"], shapely.area(metres), rtol=1e-12)
        np.testing.assert_allclose(self._cells["perimeter_m"], shapely.length(metres), rtol=1e-12)

    def _recount_owners(self) -> list[str | None]:
        """Assign every entity to the whole plan."""
        found = assign_to_cells(self._entities, self._cells[["code", "geometry"]], crs=self._crs).frame
        return [None if code is None else str(code) for code in found["cell_code"]]

    def _require_effects(self, edit: Edit) -> None:
        """What the edit has told of entities is what differs between two assignments of them all.

        An entity whose cell has only got another code stays where it is.
        """
        former, self._owners = self._owners, self._recount_owners()
        for cells, owners, told in (
            (edit.before, former, self._effects.before),
            (edit.after, self._owners, self._effects.after),
        ):
            expected: dict[str, Counter[str]] = {cell.code: Counter() for cell in cells}
            for kind, owner in zip(self._kinds, owners, strict=True):
                if owner in expected:
                    expected[owner][kind] += 1
            assert told == expected
        moved = Counter(
            (kind, source, target)
            for kind, source, target in zip(self._kinds, former, self._owners, strict=True)
            if source is not None and target is not None and source != edit.heirs.get(target, target)
        )
        assert {each[:3]: each.number for each in self._effects.movements} == moved
