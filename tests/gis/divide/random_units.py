"""Random coverages of units for tests, and what must hold of every grouping of them, the slow obvious way."""

from itertools import combinations

import geopandas as gpd
import networkx as nx
import numpy as np
import shapely
from pyproj import CRS

from gis.crs import working_crs_for_bounds
from gis.faces.arrangement import build_faces

PLACES = {
    "Shenzhen": (114.05, 22.55),
    "Harbin": (126.6, 45.75),
    "Monaco": (7.42, 43.74),
    "Ushuaia": (-68.3, -54.8),
    "Tromso": (18.9, 69.6),
}

UNIT_M = 100.0


def units_frame(polygons, crs=4547, origin=(500_000, 2_500_000), **columns):
    """Units in metres from an origin, in longitude and latitude."""
    moved = [shapely.transform(polygon, lambda c: c + np.array(origin)) for polygon in polygons]
    codes = columns.pop("code", [f"U{k:03d}" for k in range(len(moved))])
    return gpd.GeoDataFrame({"code": codes, **columns}, geometry=moved, crs=crs).to_crs(4326)


def grid(columns, rows, **attributes):
    """Squares of 100 m, numbered row by row from the south-west."""
    boxes = [
        shapely.box(x * UNIT_M, y * UNIT_M, (x + 1) * UNIT_M, (y + 1) * UNIT_M)
        for y in range(rows)
        for x in range(columns)
    ]
    return units_frame(boxes, **attributes)


def random_units(seed, place, *, squares, count, groups, weights):
    """A coverage of some 5 to 60 units with holes, islands and enclaves, in random areas, with loads."""
    rng = np.random.default_rng(seed)
    crs = working_crs_for_bounds(np.repeat([PLACES[place]], 2, axis=0).ravel())
    corner = gpd.GeoSeries.from_xy(*np.array([PLACES[place]]).T, crs=4326).to_crs(crs)
    side = int(np.ceil(np.sqrt(count)))
    if squares:
        at = np.arange(side + 1) * UNIT_M
        low, high = np.meshgrid(at[:-1], at[:-1]), np.meshgrid(at[1:], at[1:])
        pieces = shapely.box(*(corners.ravel() for corners in (*low, *high)))
    else:
        spots = rng.uniform(0, side * UNIT_M, (count, 2))
        ground = shapely.Point(side * UNIT_M / 2, side * UNIT_M / 2).buffer(side * UNIT_M / 2, quad_segs=4)
        lines = shapely.voronoi_polygons(shapely.multipoints(spots), only_edges=True, extend_to=ground)
        # A ring inside a unit makes an enclave.
        ring = shapely.boundary(
            shapely.buffer(shapely.point_on_surface(build_faces(np.array([lines, ground])))[0], 5)
        )
        pieces = build_faces(np.array([lines, ground, ring]))
    pieces = pieces[rng.random(len(pieces)) > 0.1 * rng.integers(0, 4)] if len(pieces) > 1 else pieces
    if not len(pieces):
        pieces = np.array([shapely.box(0, 0, UNIT_M, UNIT_M)])
    centre = shapely.get_coordinates(shapely.point_on_surface(pieces))
    sectors = np.floor(centre[:, 0] / (side * UNIT_M) * groups).clip(0, groups - 1).astype(int)
    size = len(pieces)
    loads = {
        "equal": np.full(size, 3),
        "zero": rng.integers(0, 2, size) * 5,
        "random": np.ceil(rng.lognormal(2, 1, size)).astype(int),
    }[weights]
    if not loads.any():
        loads[0] = 1
    return units_frame(
        pieces,
        crs,
        (corner.x[0], corner.y[0]),
        code=[f"{k:03d}" for k in rng.permutation(size)],
        area_code=[f"A{k}" for k in sectors],
        households=loads,
        jobs=rng.integers(1, 9, size),
    )


def border_graph(units):
    """The neighbours in the working CRS by intersecting the outlines of all pairs."""
    metres = units.to_crs(working_crs_for_bounds(units.total_bounds)).set_index("code").geometry
    graph = nx.Graph()
    graph.add_nodes_from(units["code"])
    for (one, here), (other, there) in combinations(metres.items(), 2):
        shared = here.boundary.intersection(there.boundary)
        if shared.length > 1e-6:
            graph.add_edge(one, other, border=shared)
    return graph


def assert_made_of_units(units, cells, cell_of_unit):
    """Cells are unions of whole units, with their vertices and no others, and a coverage in both CRS."""
    crs = working_crs_for_bounds(units.total_bounds)
    metres, plan = units.to_crs(crs).set_index("code"), cells.to_crs(crs).set_index("code")
    assert cells.crs == CRS.from_epsg(4326)
    assert cells["code"].is_unique
    assert sorted(cell_of_unit.index) == sorted(units["code"])
    assert set(cell_of_unit) == set(cells["code"])
    for frame in (cells, plan):
        assert frame.is_valid.all()
        assert shapely.coverage_is_valid(np.asarray(frame.geometry.array))
    corners = {tuple(xy) for xy in shapely.get_coordinates(units.geometry.array).tolist()}
    assert {tuple(xy) for xy in shapely.get_coordinates(cells.geometry.array).tolist()} <= corners
    for code, polygon in plan.geometry.items():
        members = metres.geometry[cell_of_unit.index[cell_of_unit == code]]
        assert shapely.area(shapely.symmetric_difference(shapely.union_all(members), polygon)) < 0.01
        assert abs(plan.loc[code, "area_m2"] - members.area.sum()) < 0.01
    np.testing.assert_allclose(plan["perimeter_m"], plan.length, atol=1e-3)
