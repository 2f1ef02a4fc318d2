"""Tiles over HTTP: what they tell to whom, how they are kept, and what describes them."""

import gzip

import geopandas as gpd
import mapbox_vector_tile
import pytest

from gis.crs import LONLAT
from layers.basemap import replace_basemap
from layers.db.database import Database
from tests.api.routes.conftest import STEP, WEST, Client, square
from tests.api.routes.grid import (
    DAY,
    EAST_TOWN,
    LATER,
    NAME,
    PHONE,
    WEST_TOWN,
    ZOOM,
    add_run,
    address,
    cells,
    codes,
    entity,
    eventually,
    publish_cells,
    told,
)


@pytest.fixture
def published(ground: Database) -> Database:
    """Eight cells, four in each town."""
    publish_cells(ground, DAY)
    return ground


def test_a_tile_of_cells_is_kept_and_compressed(published: Database, client: Client) -> None:
    admin = client()
    path = f"/tiles/cells/{address(1, 1)}.mvt"
    first = admin.get(path, params={"scheme": "community"})
    assert first.status_code == 200
    assert first.headers["Content-Type"] == "application/vnd.mapbox-vector-tile"
    assert first.headers["Content-Encoding"] == "gzip"
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert codes(told(admin, "cells", address(1, 1), scheme="community")) == {code for code, _ in cells()}
    tag = first.headers["ETag"]
    kept = admin.get(path, params={"scheme": "community"}, headers={"If-None-Match": f'"x", {tag}'})
    assert (kept.status_code, kept.content) == (304, b"")
    plain = admin.get(path, params={"scheme": "community"}, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.content == first.content
    with admin.stream("GET", path, params={"scheme": "community"}) as raw:
        assert gzip.decompress(b"".join(raw.iter_raw())) == first.content
    assert admin.get(f"/tiles/cells/{address(90, 1)}.mvt", params={"scheme": "community"}).status_code == 204


def test_a_caller_sees_the_own_ground_alone(published: Database, client: Client) -> None:
    admin, viewer = client(), client("viewer", WEST_TOWN)
    for number, column in enumerate((0.5, 1.5, 2.5, 3.5)):
        entity(admin, number, column)
    place = address(1, 1)
    seen = told(viewer, "cells", place, scheme="community")
    assert codes(seen) == {code for code, _ in cells() if code.startswith(WEST_TOWN)}
    groups = told(viewer, "cells", address(1, 1, 6), scheme="community")["cell_groups"]
    assert [(each["area_code"], each["cells"]) for each in groups] == [(WEST_TOWN, 4)]
    # The county is known to who belongs to it, the other town is not.
    assert codes(told(viewer, "areas", place), "areas") == {"440305", WEST_TOWN}
    assert codes(told(admin, "areas", place), "areas") == {"440305", WEST_TOWN, EAST_TOWN}
    everywhere = [
        each
        for column in range(4)
        for each in told(admin, "entities", address(column + 0.5, 0.5, 15))["entities"]
    ]
    assert len({each["id"] for each in everywhere}) == 4
    here = told(viewer, "entities", address(2, 0.5, 10))["entities"]
    assert sum(each["count"] for each in here) == 2
    assert told(viewer, "entities", address(2.5, 0.5, 15)) == {}
    west, _, east, _ = viewer.get("/tiles/cells.json", params={"scheme": "community"}).json()["bounds"]
    assert (west, east) == pytest.approx((WEST, WEST + 2 * STEP))


def test_nothing_of_a_person_is_in_a_tile(published: Database, client: Client) -> None:
    admin = client()
    entity(admin, 1, 0.5)
    texts = b""
    for layer, query in (
        ("entities", {}),
        ("entities", {"kind": "enterprise", "scheme": "community"}),
        ("cells", {"scheme": "community"}),
        ("areas", {}),
        ("base", {}),
        ("gaps", {"scheme": "community"}),
    ):
        for zoom in range(17):
            texts += admin.get(f"/tiles/{layer}/{address(0.5, 0.5, zoom)}.mvt", params=query).content
    assert b"enterprise" in texts
    for secret in (NAME, PHONE, "e1"):
        assert secret.encode() not in texts


def test_entities_are_thinned_and_name_their_cell(published: Database, client: Client) -> None:
    admin = client()
    for number in range(6):
        entity(admin, number, 0.5 + 1e-4 * number)
    one = told(admin, "entities", address(0.5, 0.5, 10), kind="enterprise")["entities"]
    assert [(each["count"], each["kind"], "id" in each) for each in one] == [(6, "enterprise", False)]
    each_of_them = told(admin, "entities", address(0.5, 0.5, 16), kind="enterprise", scheme="community")
    assert codes(each_of_them, "entities", "cell_code") == {"440305001000000"}
    assert codes(each_of_them, "entities", "class_name") == {"shop"}
    assert len(codes(each_of_them, "entities", "id")) == 6
    assert told(admin, "entities", address(0.5, 0.5, 16), kind="sensor") == {}


def test_a_publish_is_seen_at_once_and_former_dates_stay(published: Database, client: Client) -> None:
    admin = client()
    place = address(1, 1)
    before = told(admin, "cells", place, scheme="community")
    publish_cells(published, LATER, height=2)
    tall = {code for code, _ in cells(2)}
    eventually(lambda: codes(told(admin, "cells", place, scheme="community")) == tall)
    assert codes(told(admin, "cells", place, scheme="community", at="2026-02-01")) == codes(before)
    assert told(admin, "cells", place, scheme="community", at="2025-02-01") == {}


def test_counts_follow_the_entities(published: Database, client: Client) -> None:
    admin = client()
    place = address(1, 1)
    assert codes(told(admin, "cells", place, scheme="community"), key="enterprises") == {0}
    tag = admin.get(f"/tiles/cells/{place}.mvt", params={"scheme": "community"}).headers["ETag"]
    entity(admin, 1, 0.5)

    def counted() -> bool:
        tile = told(admin, "cells", place, scheme="community")["cells"]
        return {each["code"]: each["enterprises"] for each in tile}["440305001000000"] == 1

    eventually(counted)
    again = admin.get(
        f"/tiles/cells/{place}.mvt", params={"scheme": "community"}, headers={"If-None-Match": tag}
    )
    assert again.status_code == 200


def test_gaps_are_those_of_the_newest_run_or_of_one_that_is_named(
    published: Database, client: Client
) -> None:
    admin, viewer = client(), client("viewer", WEST_TOWN)
    place = address(1, 1)
    assert told(admin, "gaps", place, scheme="community") == {}
    assert admin.get("/tiles/gaps.json", params={"scheme": "community"}).json()["empty"] is True
    first = add_run(published, None, DAY, ["blank", "unassigned", "blank", "blank"])
    newest = add_run(published, None, LATER, ["blank", "unassigned"])
    eventually(lambda: len(told(admin, "gaps", place, scheme="community").get("gaps", [])) == 2)
    found = told(admin, "gaps", place, scheme="community", run=first)["gaps"]
    assert sorted(each["kind"] for each in found) == ["blank", "blank", "blank", "unassigned"]
    assert {each["cell_code"] for each in found} == {code for code, _ in cells()[:4]}
    assert {"kind", "severity", "cell_code", "area_m2", "households", "enterprises"} == set(found[0])
    own = told(viewer, "gaps", place, scheme="community", run=first)["gaps"]
    assert {each["cell_code"][:9] for each in own} == {WEST_TOWN}
    abroad = add_run(published, EAST_TOWN, LATER, ["blank"])
    assert (
        viewer.get(f"/tiles/gaps/{place}.mvt", params={"scheme": "community", "run": abroad}).status_code
        == 404
    )
    assert viewer.get("/tiles/gaps.json", params={"scheme": "community", "run": newest}).status_code == 200


def test_the_base_map_is_the_same_for_everybody(published: Database, client: Client) -> None:
    viewer = client("viewer", WEST_TOWN)
    assert told(viewer, "base", address(3, 1)) == {}
    shapes = [square(3, 1).boundary, square(2.5, 0.5).boundary]
    roads = gpd.GeoDataFrame(
        {"class_name": ["main", "lane"], "name": ["大道", None]}, geometry=shapes, crs=LONLAT
    )
    lake = gpd.GeoDataFrame({"class_name": ["lake"], "name": ["湖"]}, geometry=[square(3, 0)], crs=LONLAT)
    replace_basemap(published, {"roads": roads, "water": lake})
    eventually(lambda: told(viewer, "base", address(3, 1)) != {})
    assert told(viewer, "base", address(3, 1))["roads"] == [{"class": "main", "name": "大道"}]
    assert {"class": "lane"} in told(viewer, "base", address(3, 1, 13))["roads"]
    assert told(viewer, "base", address(3.5, 0.5, 8))["water"] == [{"class": "lake", "name": "湖"}]


def test_tilejson_and_style_lead_to_tiles(published: Database, client: Client) -> None:
    admin = client()
    described = admin.get("/tiles/cells.json", params={"scheme": "community", "at": "2026-02-01"}).json()
    assert described["tilejson"] == "3.0.0"
    x, y = address(1, 1).split("/")[1:]
    path = described["tiles"][0].replace("{z}", str(ZOOM)).replace("{x}", x).replace("{y}", y)
    assert path.startswith(str(admin.base_url))
    tile = mapbox_vector_tile.decode(admin.get(path).content)
    layers = {each["id"]: each for each in described["vector_layers"]}
    assert set(layers) == {"cells", "cell_borders", "cell_labels", "cell_groups", "group_borders"}
    for name, layer in tile.items():
        assert layers[name]["minzoom"] <= ZOOM <= layers[name]["maxzoom"]
        for feature in layer["features"]:
            assert set(feature["properties"]) <= set(layers[name]["fields"])
    style = admin.get("/styles/calm.json").json()
    sources = {}
    for source, given in style["sources"].items():
        answer = admin.get(given["url"])
        assert answer.status_code == 200
        sources[source] = {each["id"] for each in answer.json()["vector_layers"]}
    assert {each["source-layer"] for each in style["layers"] if each.get("source") == "areas"} <= sources[
        "areas"
    ]
    assert admin.get("/styles/loud.json").status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/tiles/cells/12/3344/1783.mvt", 422),
        ("/tiles/cells/12/3344/1783.mvt?scheme=none", 404),
        ("/tiles/cells.json?scheme=none", 404),
        ("/tiles/cells/12/3344/1783.mvt?scheme=community&at=yesterday", 422),
        ("/tiles/cells/12/3344/1783.mvt?scheme=community&scheme=other", 422),
        ("/tiles/areas/12/3344/1783.mvt?scheme=community", 422),
        ("/tiles/areas/17/3344/1783.mvt", 404),
        ("/tiles/areas/3/8/0.mvt", 404),
        ("/tiles/areas/3/-1/0.mvt", 404),
        ("/tiles/areas/a/b/c.mvt", 404),
        ("/tiles/rivers/3/1/1.mvt", 404),
        ("/tiles/gaps/3/1/1.mvt?scheme=community&run=x", 422),
        ("/tiles/gaps/3/1/1.mvt?scheme=community&run=77", 404),
        ("/tiles/entities/3/1/1.mvt?scheme=none", 404),
    ],
)
def test_what_cannot_be_drawn_says_why(published: Database, client: Client, path: str, status: int) -> None:
    answer = client().get(path)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"].endswith(".")
