"""GDAL, which knows nothing of us, reads a whole pyramid of the sample district."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from pyogrio._ogr import _register_drivers

from gis.divide.square import divide_square
from layers.formats.gdal import restrict_drivers
from layers.sample import make_district
from layers.tiles import CoverageLayer, LineLayer, PointLayer, PolygonLayer, tiles_intersecting
from layers.tiles.tile import unit_size

TABLES = Path(__file__).parents[3] / "data"
ZOOMS = range(9, 17)
SIZE_M = 200


@pytest.fixture(scope="module", autouse=True)
def whole_gdal():
    """GDAL with its driver for tiles, which the product takes away."""
    pyogrio.set_gdal_config_options({"GDAL_SKIP": None})
    _register_drivers()
    yield
    restrict_drivers()


@pytest.fixture(scope="module")
def district():
    return make_district(TABLES)


@pytest.fixture(scope="module")
def cells(district):
    areas = district.areas
    return divide_square(areas[areas["level"] == "village"], size_m=SIZE_M)


@pytest.fixture(scope="module")
def pyramid(district, cells, tmp_path_factory):
    """A folder of tiles as z/x/y.pbf with cells, roads, water and households."""
    folder = tmp_path_factory.mktemp("pyramid")
    homes = district.households.geometry
    layers = {
        "cells": (
            CoverageLayer(cells.geometry.to_numpy(), np.arange(len(cells))),
            {"code": cells["code"].to_numpy(), "area_m2": cells.geometry.to_crs(4547).area.to_numpy()},
        ),
        "roads": (
            LineLayer(district.roads.geometry.to_numpy(), np.arange(len(district.roads))),
            {"class": district.roads["class"].to_numpy()},
        ),
        "water": (PolygonLayer(district.water.geometry.to_numpy(), np.arange(len(district.water))), {}),
        "households": (PointLayer(homes.x.to_numpy(), homes.y.to_numpy(), np.arange(len(homes))), {}),
    }
    bounds = tuple(cells.total_bounds)
    for zoom in ZOOMS:
        for address in tiles_intersecting(bounds, zoom, buffer=64):
            parts = [layer.encode(name, address, told) for name, (layer, told) in layers.items()]
            parts.append(layers["cells"][0].encode_borders("cell_borders", address, {}))
            if any(parts):
                tile = folder / str(zoom) / str(address.x) / f"{address.y}.pbf"
                tile.parent.mkdir(parents=True, exist_ok=True)
                tile.write_bytes(b"".join(parts))
    fields = {"cell_borders": {}} | {
        name: dict.fromkeys(told, "String") for name, (_, told) in layers.items()
    }
    fields["cells"]["area_m2"] = "Number"
    described = {"vector_layers": [{"id": name, "fields": each} for name, each in fields.items()]}
    metadata = {
        "name": "sample",
        "version": "2",
        "type": "overlay",
        "format": "pbf",
        "minzoom": str(ZOOMS[0]),
        "maxzoom": str(ZOOMS[-1]),
        "bounds": ",".join(map(str, bounds)),
        "json": json.dumps(described),
    }
    (folder / "metadata.json").write_text(json.dumps(metadata))
    return folder


def read(pyramid, zoom, layer):
    """What GDAL makes of all tiles of a zoom, each cut to its own ground, in EPSG:3857."""
    frame = pyogrio.read_dataframe(
        pyramid / str(zoom), layer=layer, METADATA_FILE=str(pyramid / "metadata.json")
    )
    assert frame.crs.to_epsg() == 3857
    return frame


@pytest.mark.parametrize("zoom", ZOOMS)
def test_gdal_reads_every_cell_with_its_attributes(pyramid, cells, zoom):
    found = read(pyramid, zoom, "cells")
    assert found.geometry.is_valid.all()
    codes = cells["code"].to_numpy()
    assert (found["code"].to_numpy() == codes[found["mvt_id"]]).all()
    drawn = found.dissolve("mvt_id").geometry
    expected = cells.geometry.to_crs(3857)
    # Cells of 200 m are larger than a pixel of any of these zooms but the first.
    large = np.flatnonzero(expected.area.to_numpy() > (16 * unit_size(zoom)) ** 2)
    assert set(large) <= set(drawn.index)
    off = drawn.area - expected.iloc[drawn.index].area.to_numpy()
    assert (off.abs() <= 4 * unit_size(zoom) * expected.iloc[drawn.index].length.to_numpy()).all()


def test_at_the_top_the_cells_are_those_of_the_source_within_the_resolution(pyramid, cells):
    drawn = read(pyramid, ZOOMS[-1], "cells").dissolve("mvt_id").geometry
    expected = cells.geometry.to_crs(3857)
    assert drawn.index.tolist() == list(range(len(cells)))
    # A vertex is rounded, and so is the place where a tile's buffer ends an edge.
    reach = 1.25 * unit_size(ZOOMS[-1])
    for one, other in ((drawn.to_numpy(), expected.to_numpy()), (expected.to_numpy(), drawn.to_numpy())):
        assert shapely.area(shapely.difference(one, shapely.buffer(other, reach))).max() < 1e-6


@pytest.mark.parametrize("zoom", ZOOMS)
def test_the_tiles_of_a_zoom_leave_nothing_of_the_ground_blank(pyramid, cells, zoom):
    found = read(pyramid, zoom, "cells")
    ground = shapely.coverage_union_all(cells.geometry.to_crs(3857).to_numpy())
    holes = shapely.union_all(
        shapely.polygons([ring for part in shapely.get_parts(ground) for ring in part.interiors])
    )
    # Half a unit at most is lost where tiles meet, for an edge is rounded in each by itself.
    left = ground.buffer(-10 * unit_size(zoom)).difference(
        shapely.union_all(found.geometry.buffer(0.5 * unit_size(zoom)))
    )
    assert left.difference(holes).area == pytest.approx(0, abs=1e-3 * unit_size(zoom) ** 2)


@pytest.mark.parametrize("zoom", [ZOOMS[0], 13, ZOOMS[-1]])
def test_gdal_reads_the_borders_of_the_cells_as_lines(pyramid, cells, zoom):
    drawn = shapely.get_parts(read(pyramid, zoom, "cell_borders").geometry.to_numpy())
    expected = shapely.get_parts(shapely.boundary(shapely.get_parts(cells.geometry.to_crs(3857).to_numpy())))
    # Up to half a pixel of a border is simplified away.
    reach = (1.5 if zoom >= 15 else 12) * unit_size(zoom)
    for lines, others in ((drawn, expected), (expected, drawn)):
        places = shapely.points(shapely.get_coordinates(lines))
        near = shapely.STRtree(others).query(places, predicate="dwithin", distance=reach)
        assert np.array_equal(np.unique(near[0]), np.arange(len(places)))


def test_the_other_layers_are_all_there(pyramid, district, cells):
    roads, water, homes = (read(pyramid, ZOOMS[-1], name) for name in ("roads", "water", "households"))
    inside = shapely.box(*cells.total_bounds)
    assert set(roads["mvt_id"]) >= set(np.flatnonzero(district.roads.within(inside)))
    classes = district.roads["class"].to_numpy()
    assert (roads["class"].to_numpy() == classes[roads["mvt_id"]]).all()
    assert set(water["mvt_id"]) >= set(np.flatnonzero(district.water.within(inside)))
    expected = district.households.geometry.to_crs(3857)
    known = homes.drop_duplicates("mvt_id").set_index("mvt_id").geometry
    assert set(known.index) == set(np.flatnonzero(district.households.geometry.notna()))
    far = gpd.GeoSeries(known.to_numpy(), crs=3857).distance(
        gpd.GeoSeries(expected.iloc[known.index].to_numpy(), crs=3857)
    )
    assert far.max() <= unit_size(ZOOMS[-1])
