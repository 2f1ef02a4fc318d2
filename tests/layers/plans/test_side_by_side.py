"""Two plans side by side: one lattice gives them the same vertices; where not, every path agrees."""

from datetime import date

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS
from sqlalchemy import select

from gis.areas import build_hierarchy
from gis.crs import LONLAT
from gis.divide import divide_square
from layers.db.database import Database
from layers.gaps.runs import search_gaps
from layers.models import Area, Assignment
from layers.plans.cells import cells_as_of
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from layers.snapshot.holder import SnapshotHolder
from layers.tiles import CoverageLayer
from tests.layers.squares import add_entity
from tests.layers.tiles.coverages import features
from tests.layers.tiles.test_coverage_layer import TILE, in_units, tiles_of

WEST, SOUTH, SIZE = 114.05, 22.54, 0.02
MARCH = date(2026, 3, 1)
CODES = ("440304001", "440304002")
BORDER = [(WEST + 0.02, SOUTH), (WEST + 0.0231, SOUTH + 0.011), (WEST + 0.0215, SOUTH + SIZE)]
SHAPES = (
    shapely.Polygon([(WEST, SOUTH), *BORDER, (WEST, SOUTH + SIZE)]),
    shapely.Polygon([BORDER[0], (WEST + 0.04, SOUTH), (WEST + 0.04, SOUTH + SIZE), *BORDER[:0:-1]]),
)
METRES = CRS.from_epsg(4547)
HAIRLINE_M = 1e-3


def put_in_force(database: Database, sizes: tuple[float, float]) -> int:
    """Divide two towns apart from one another into squares, and publish a plan of each."""
    with database.write() as session:
        scheme = create_scheme(session, "community", "社区网格", working_crs="EPSG:4547").id
        for code, shape in zip(CODES, SHAPES, strict=True):
            session.add(Area(code=code, name=code, level="town", geometry=shape))
        session.flush()
        for code, shape, size in zip(CODES, SHAPES, sizes, strict=True):
            town = gpd.GeoDataFrame(
                {"code": [code], "name": [code], "level": ["town"], "parent": [None]},
                geometry=[shape],
                crs=LONLAT,
            )
            cells = divide_square(build_hierarchy(town, crs=METRES), size_m=size, crs=METRES)
            plan = create_draft(session, scheme, cells, name=code, created_by="test", area_code=code)
            assert check_plan(session, plan.id).is_valid
            publish(session, plan.id, MARCH)
    return scheme


def shapes_in_force(database: Database, scheme: int) -> gpd.GeoDataFrame:
    with database.read() as session:
        return cells_as_of(session, scheme, MARCH)


def test_plans_of_one_lattice_share_every_vertex(database: Database) -> None:
    cells = shapes_in_force(database, put_in_force(database, (100, 100)))
    beside = shapely.LineString(BORDER[:2])
    assert (shapely.distance(cells.geometry.to_numpy(), beside) < 1e-7).sum() > 20
    assert shapely.coverage_is_valid(cells.geometry.to_numpy())


def along_the_border(cells: gpd.GeoDataFrame) -> np.ndarray:
    """Vertices, middles of edges and the hairlines themselves, shape (n, 2)."""
    west = cells["area_code"].eq(CODES[0]).to_numpy()
    sides = [shapely.coverage_union_all(cells.geometry.to_numpy()[side]) for side in (west, ~west)]
    strips = [shapely.intersection(*sides)]
    united = shapely.union_all(sides)
    strips += [shapely.Polygon(ring) for ring in united.interiors]
    parts = [part for strip in strips for part in shapely.get_parts(strip) if part.area > 0]
    assert len(parts) > 10
    hairs = gpd.GeoSeries(parts, crs=LONLAT).to_crs(METRES)
    assert (2 * hairs.area / hairs.length).max() < HAIRLINE_M
    ends = [shapely.get_coordinates(side) for side in sides]
    line = shapely.LineString(BORDER)
    ends = [each[shapely.distance(shapely.points(each), line) < 1e-7] for each in ends]
    middles = [(each[1:] + each[:-1]) / 2 for each in ends]
    within = shapely.get_coordinates(shapely.point_on_surface(parts))
    return np.concatenate([*ends, *middles, within])


def test_every_path_agrees_where_vertices_are_not_shared(database: Database) -> None:
    scheme = put_in_force(database, (100, 70))
    cells = shapes_in_force(database, scheme)
    shapes, codes = cells.geometry.to_numpy(), cells["code"].tolist()
    assert not shapely.coverage_is_valid(shapes)
    places = along_the_border(cells)
    touched = [np.flatnonzero(shapely.intersects(shapes, shapely.Point(place))) for place in places]
    expected = [min((codes[row] for row in rows), default=None) for rows in touched]
    # A hairline lies in both plans or in none; whoever asks is told the same of it.
    assert {len(rows) for rows in touched} >= {0, 1, 2}
    holder = SnapshotHolder(database)
    held = holder.refresh().cells["community"]
    owners = [held.position(*place) for place in places.tolist()]
    assert [None if row < 0 else str(held.locator.codes[row]) for row in owners] == expected
    rows = held.locator.find_owners(places[:, 0], places[:, 1])
    assert rows.tolist() == owners
    with database.write() as session:
        entities = [
            add_entity(session, str(number), shapely.Point(place), MARCH).id
            for number, place in enumerate(places)
        ]
        session.flush()
        plan = create_draft(
            session, scheme, cells[cells["area_code"] == CODES[0]].assign(name="再"),
            name="again", created_by="test", area_code=CODES[0],
        )  # fmt: skip
        assert check_plan(session, plan.id).is_valid
        publish(session, plan.id, date(2026, 4, 1))
        assigned = dict(
            session.execute(
                select(Assignment.entity_id, Assignment.cell_code).where(
                    Assignment.valid_to.is_(None), Assignment.entity_id.in_(entities)
                )
            ).all()
        )
    assert [assigned.get(entity) for entity in entities] == expected


@pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)
def test_a_border_without_shared_vertices_is_no_gap(database: Database) -> None:
    put_in_force(database, (100, 70))
    run = search_gaps(database, "community", created_by="test", on=MARCH)
    assert {kind: told["gaps"] for kind, told in run.summary["kinds"].items()} == {"blank": 0, "overlap": 0}


@pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)
def test_tiles_show_no_slit_as_wide_as_a_unit(database: Database) -> None:
    """A unit is an eighth of a pixel."""
    shapes = shapes_in_force(database, put_in_force(database, (100, 70))).geometry.to_numpy()
    coverage = CoverageLayer(shapes, np.arange(len(shapes)))
    square = np.array([shapely.box(*shapely.total_bounds(shapes))])
    for zoom in range(9, 20):
        for address in tiles_of(shapes, zoom, 3):
            drawn = [shape for _, shape, _ in features(coverage.encode("cells", address, {}), "cells")]
            ground = shapely.intersection(TILE, in_units(square, address)[0].buffer(-12))
            slits = shapely.get_parts(shapely.difference(ground, shapely.union_all(drawn)))
            assert (2 * shapely.area(slits) <= shapely.length(slits)).all()
