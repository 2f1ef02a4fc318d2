"""A file that was sent here is read for what it holds, and leads neither to other files nor to a network."""

import json
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pyogrio
import pytest

from gis.errors import InputError
from layers.formats import layer_names, read_layer, read_table
from layers.formats.read_batches import read_batches

LAYER = """<OGRVRTDataSource><OGRVRTLayer name="points"><SrcDataSource>{}</SrcDataSource>
<SrcLayer>secret</SrcLayer><GeometryType>wkbPoint</GeometryType><LayerSRS>EPSG:4326</LayerSRS>
<GeometryField encoding="PointFromColumns" x="lon" y="lat"/></OGRVRTLayer></OGRVRTDataSource>"""


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """An address of this machine, and what was asked there."""
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815  a name of the server's

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def tried(path: Path) -> None:
    """Open a file in every way there is; each refuses it."""
    with pytest.raises(InputError):
        read_layer(path, role="entities")
    with pytest.raises(InputError), read_batches(path, role="entities") as batches:
        list(batches.stream)
    with pytest.raises(InputError):
        read_table(path)
    if path.suffix not in {".pbf", ".osm"}:
        with pytest.raises(InputError):
            layer_names(path) or pytest.fail("no layer")


@pytest.mark.parametrize("suffix", ["geojson", "json", "gpkg", "fgb", "shp", "pbf", "osm"])
def test_a_virtual_layer_does_not_show_another_file(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "secret.csv").write_text("id,lon,lat\nwho,1,2\n")
    path = tmp_path / f"sent.{suffix}"
    path.write_text(LAYER.format(tmp_path / "secret.csv"))
    tried(path)


def test_a_virtual_layer_in_an_archive_does_not_either(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("id,lon,lat\nwho,1,2\n")
    path = tmp_path / "sent.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sent.shp", LAYER.format(tmp_path / "secret.csv"))
    with pytest.raises(InputError):
        read_layer(path, role="entities")


def test_no_order_to_fetch_is_carried_out(
    tmp_path: Path, listener: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    address, asked = listener
    orders = [
        LAYER.format(f"/vsicurl/{address}/a.csv"),
        f"<OGRWFSDataSource><URL>{address}/b</URL></OGRWFSDataSource>",
        json.dumps({"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {address}/c"}),
    ]
    path = tmp_path / "sent.json"
    for order in orders:
        path.write_text(order)
        tried(path)
    link = {"type": "link", "properties": {"href": f"{address}/d", "type": "esriwkt"}}
    point = {"type": "Point", "coordinates": [1, 2]}
    features = [{"type": "Feature", "properties": {"a": 1}, "geometry": point}]
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": link, "features": features}))
    with pytest.raises(InputError, match="by an address, which is not fetched"):
        read_layer(path, role="entities")
    with pytest.raises(InputError, match="by an address, which is not fetched"):
        read_batches(path, role="entities").__enter__()
    # What is written otherwise than we look for it leads nowhere either.
    path.write_text(path.read_text().replace('"crs"', '"\\u0063rs"'))
    assert len(read_table(path)) == 1
    assert len(read_layer(path, role="entities")) == 1
    assert asked == []


def test_gdal_knows_the_listener_s_way_where_nothing_is_taken_away(
    tmp_path: Path, listener: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That nothing is asked above says something only if it would be."""
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    address, asked = listener
    kept = pyogrio.get_gdal_config_option("GDAL_HTTP_PROXY")
    link = {"type": "link", "properties": {"href": f"{address}/d"}}
    path = tmp_path / "sent.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": link, "features": []}))
    pyogrio.set_gdal_config_options({"GDAL_HTTP_PROXY": None})
    try:
        pyogrio.read_info(path)
    finally:
        pyogrio.set_gdal_config_options({"GDAL_HTTP_PROXY": kept})
    assert asked == ["/d"]
