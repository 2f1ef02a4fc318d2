"""The command line, POST and GET read the same coordinates from the same text."""

import csv
import io
from pathlib import Path

import geopandas as gpd
import pytest

from tests.api.conftest import Run
from tests.api.locate.plans import GRID, ON_ONE_DATABASE, good

LON, LAT, CODE = "114.0001", "22.5001", "009"
HEAD = "id,lon,lat\n"
CSV = {"content-type": "text/csv"}


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    codes, polygons = zip(*GRID, strict=True)
    path = tmp_path / "cells.gpkg"
    gpd.GeoDataFrame({"code": codes}, geometry=list(polygons), crs=4326).to_file(path)
    return path


ACCEPTED = [
    f"{HEAD}1,{LON},{LAT}\n".encode(),
    f"{HEAD}1,{LON},{LAT}\n".encode("utf-16"),
    f"\ufeff\ufeff{HEAD}1,{LON},{LAT}\n".encode(),
    f"编号,东经,北纬\n村,{LON},{LAT}\n".encode("gb18030"),
    b"id;lon;lat\n1;114,0001;22,5001\n",
    f"sep=;\r\nid;lon;lat\r\n1;{LON};{LAT}\r\n".encode(),
    f"{HEAD}1,\u00a0{LON} ,\u3000{LAT}\n".encode(),
    f"{HEAD}1,１１４．０００１,２２．５００１\n".encode(),
    f"id,lon,lat,\n1,{LON},{LAT},,\n".encode(),
    f"id,lon,lat,note,more\n1,{LON},{LAT}\n".encode(),
    f"{HEAD}1,114°0'0.36\"E,22°30'0.36\"N\n".encode().replace(b'"', b"''"),
    f'id,坐标\n1,"{LON},{LAT}"\n'.encode(),
    f'{HEAD}="1",="{LON}",="{LAT}"\n'.encode(),
]
REFUSED = [
    f'{HEAD}1,"{LON},{LAT}\n2,{LON},{LAT}\n',
    f'{HEAD}1,"{LON},{LAT}\n2,{LON}",{LAT}\n',
    f'{HEAD}1,"{LON}" x,{LAT}\n',
    f"{HEAD}1,{LON},{LAT},7\n",
    f"\n{HEAD}1,{LON},{LAT}\n",
]
PLACES = [
    (LON, LAT, CODE),
    ("114,0001", "22,5001", CODE),
    ("１１４．０００１", "\u300022.5001", CODE),
    ("114°0'0.36\"E", "22.5001N", CODE),
    ("1_14.0001", LAT, None),
    ("nan", LAT, None),
    ("114.0001N", LAT, None),
]


@ON_ONE_DATABASE
def test_what_one_reads_the_other_reads(ask, wangge: Run, cells: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "places.csv", tmp_path / "out.csv"
    for body in ACCEPTED:
        path.write_bytes(body)
        assert wangge("assign", path, "--cells", cells, "-o", out).code == 0, body
        with out.open(encoding="utf-8") as file:
            assert [row["cell_code"] for row in csv.DictReader(file)] == [CODE], body
        answer = good(ask.post("/v1/locate?scheme=community", content=body, headers=CSV))
        assert [row["cell_code"] for row in csv.DictReader(io.StringIO(answer.text))] == [CODE], body


@ON_ONE_DATABASE
def test_what_one_refuses_the_other_refuses_in_the_same_words(
    ask, wangge: Run, cells: Path, tmp_path: Path
) -> None:
    path = tmp_path / "places.csv"
    for body in REFUSED:
        out = tmp_path / "refused.csv"
        path.write_text(body)
        outcome = wangge("assign", path, "--cells", cells, "-o", out)
        answer = ask.post("/v1/locate", content=body, headers=CSV)
        assert (outcome.code, answer.status_code, out.exists()) == (2, 422, False), body
        assert outcome.err.strip() == f"wangge: {answer.json()['detail'].replace('The CSV', str(path))}"


@ON_ONE_DATABASE
def test_single_places_are_read_alike(ask, wangge: Run, cells: Path) -> None:
    for lon, lat, code in PLACES:
        check_single_place(ask, wangge, cells, lon, lat, code)


def check_single_place(ask, wangge: Run, cells: Path, lon: str, lat: str, code: str | None) -> None:
    answer = ask.get("/v1/locate", params={"lon": lon, "lat": lat, "scheme": "community"})
    outcome = wangge("locate", "--cells", cells, "--", lon, lat)
    body = f'lon;lat\n"{lon.replace(chr(34), chr(34) * 2)}";{lat}\n'.encode()
    table = good(ask.post("/v1/locate?scheme=community", content=body, headers=CSV))
    (row,) = csv.DictReader(io.StringIO(table.text))
    if code is None:
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith(f"lon='{lon}' is no number of degrees")
        assert outcome.code == 2
        assert row["reason"] == "invalid_coordinates"
    else:
        assert good(answer).json()["owners"][0]["cell"]["code"] == code
        assert outcome.out.startswith(code)
        assert row["cell_code"] == code


@ON_ONE_DATABASE
def test_what_was_assumed_of_a_text_is_told(ask) -> None:
    body = f"id,name,lon,lat\n1,São Paulo,{LON},{LAT}\n".encode("cp1252")
    answer = good(ask.post("/v1/locate", content=body, headers=CSV))
    assert "São Paulo" in answer.text
    assert answer.headers["wangge-text-encoding"] == "Windows-1252, assumed"
    headers = {"content-type": "text/csv; charset=cp1251"}
    answer = good(ask.post("/v1/locate", content=body, headers=headers))
    assert "Sгo Paulo" in answer.text
    assert "wangge-text-encoding" not in answer.headers
