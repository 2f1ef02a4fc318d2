"""Relations of an OpenStreetMap extract that cannot be assembled are named, with what they lack."""

import zlib
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest

from gis.errors import InputError
from layers.formats import read_layer
from layers.formats.osm import tell_incomplete_relations

NODES = {
    1: (114, 22),
    2: (114.01, 22),
    3: (114.01, 22.01),
    4: (114, 22.01),
    5: (114.02, 22),
    6: (114.02, 22.01),
}
WAYS = {1: (1, 2), 2: (2, 3), 3: (3, 4, 1), 4: (2, 5, 6, 3), 7: (7, 8, 9, 7)}


def relation(number: int, name: str, ways: tuple[int, ...], level: int = 10) -> str:
    members = "".join(f'<member type="way" ref="{way}" role="outer"/>' for way in ways)
    tags = {"type": "boundary", "boundary": "administrative", "admin_level": level, "name": name}
    written = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
    return f'<relation id="{number}" version="1">{members}{written}</relation>'


def extract(path: Path, *relations: str) -> Path:
    nodes = "".join(f'<node id="{k}" version="1" lon="{x}" lat="{y}"/>' for k, (x, y) in NODES.items())
    ways = "".join(
        f'<way id="{k}" version="1">{"".join(f"""<nd ref="{node}"/>""" for node in of)}</way>'
        for k, of in WAYS.items()
    )
    path.write_text(f'<osm version="0.6">{nodes}{ways}{"".join(relations)}</osm>')
    return path


def test_relations_left_out_are_named_with_what_they_lack(tmp_path: Path) -> None:
    path = extract(
        tmp_path / "town.osm",
        relation(11, "one", (1, 2, 3)),
        relation(12, "two", (2, 4)),
        relation(13, "three", (2, 9)),
        relation(14, "open", (1, 2)),
        relation(15, "upper", (2, 9, 10, 11), level=8),
    )
    notes: list[str] = []
    assert len(read_layer(path, role="cells", note=notes.append)) == 2
    (note,) = notes
    assert note == (
        f"{path}: 3 relations are left out, as their borders are not complete: "
        "13 (three), of whose 2 ways the file lacks way 9; 14 (open), whose ways do not close or lack nodes; "
        "15 (upper), of whose 4 ways the file lacks ways 9 and 2 more"
    )


def test_only_those_that_meet_the_condition_count(tmp_path: Path) -> None:
    path = extract(tmp_path / "town.osm", relation(11, "one", (1, 2, 3)), relation(13, "three", (2, 9)))
    for where, count in (("admin_level = '10'", 1), ("name LIKE 'o%'", 0), ("name = 'three' OR 1 = 1", 1)):
        notes: list[str] = []
        read_layer(path, role="cells", where=where, note=notes.append)
        assert len(notes) == count, where


def test_a_relation_with_one_whole_ring_is_left_out_too(tmp_path: Path) -> None:
    """GDAL draws no part of what is not complete."""
    path = extract(tmp_path / "town.osm", relation(11, "one", (1, 2, 3)), relation(12, "two", (7, 9)))
    notes: list[str] = []
    assert len(read_layer(path, role="cells", note=notes.append)) == 1
    (note,) = notes
    assert note == (
        f"{path}: a relation is left out, as its border is not complete: "
        "12 (two), of whose 2 ways the file lacks way 9"
    )


def test_a_complete_extract_tells_nothing(tmp_path: Path) -> None:
    notes: list[str] = []
    read_layer(extract(tmp_path / "a.osm", relation(11, "one", (1, 2, 3))), role="cells", note=notes.append)
    assert notes == []


def test_an_extract_in_pbf(shared_data: Path) -> None:
    """Monaco's neighbours reach beyond the extract."""
    notes: list[str] = []
    quarters = read_layer(shared_data / "monaco" / "monaco.osm.pbf", role="areas", note=notes.append)
    assert len(quarters) == 6
    assert len(notes) == 1
    assert "15 relations are left out" in notes[0]
    assert "174562 (Beausoleil), of whose 8 ways the file lacks ways 37794466 and 5 more" in notes[0]


WAY_TAGS = {
    1: {"highway": "residential"},
    2: {"highway": "footway"},
    3: {"highway": "primary", "tunnel": "yes"},
    4: {"highway": "living_street", "tunnel": "building_passage"},
    5: {"railway": "rail"},
    6: {"railway": "abandoned"},
    7: {"waterway": "river"},
    8: {"waterway": "river", "tunnel": "culvert"},
    9: {"highway": "motorway_link", "surface": "asphalt"},
    10: {"highway": "proposed"},
    11: {"waterway": "stream"},
    12: {"barrier": "wall", "name:zh": "O'Hara 墙", "note": '"old"'},
}


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Ways of all kinds."""
    nodes = "".join(f'<node id="{k}" version="1" lon="114" lat="{22 + k / 100}"/>' for k in range(1, 14))
    ways = "".join(
        f'<way id="{k}" version="1"><nd ref="{k}"/><nd ref="{k + 1}"/>'
        + "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items())
        + "</way>"
        for k, tags in WAY_TAGS.items()
    )
    path = tmp_path / "town.osm"
    path.write_text(f'<osm version="0.6">{nodes}{ways}</osm>')
    return path


@pytest.mark.parametrize(
    ("role", "where", "found"),
    [
        ("streets", None, ["1", "4", "9"]),
        ("lines", None, ["1", "4", "5", "7", "9"]),
        ("railway", None, ["5", "6"]),
        ("lines", "barrier = 'wall' OR highway = 'footway'", ["2", "12"]),
        ("lines", """ "name:zh" IS NOT NULL """, ["12"]),
        ("lines", """ "name:zh" = 'O''Hara 墙' AND "barrier" = 'wall' """, ["12"]),
        ("lines", """ "tunnel" IN ('yes', 'culvert') AND NOT "highway" = '"tunnel"' """, ["3"]),
        ("lines", """ "surface" LIKE 'asph%' OR "Waterway" = 'stream' """, ["9", "11"]),
    ],
)
def test_lines_that_bound_blocks(town: Path, role: str, where: str | None, found: list[str]) -> None:
    lines = read_layer(town, role=role, where=where)
    assert sorted(lines["osm_id"], key=int) == found
    assert {"highway", "railway", "waterway"} <= set(lines.columns)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"where": '"name:fr" IS NOT NULL'}, r'no record meets the condition "name:fr" IS NOT NULL\.'),
        ({"where": '"name:fr IS NOT NULL'}, 'the condition "name:fr IS NOT NULL is not understood'),
        ({"layer": "roads"}, "has no layer 'roads'; it has points, lines, multilinestrings, multipolygons, "),
        ({"layer": "roads", "where": '"name:zh" = 1'}, "has no layer 'roads'"),
    ],
)
def test_what_an_extract_does_not_hold_is_told(town: Path, chosen: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_layer(town, role="lines", **chosen)


@pytest.mark.parametrize("body", [b"\x0a\xff", zlib.compress(b"x")[:5], b""])
def test_damage_is_told_and_nothing_else(tmp_path: Path, body: bytes) -> None:
    """GDAL may have read what came before it."""
    blob = b"\x1a" + bytes([len(body)]) + body
    header = b"\x0a\x07OSMData\x18" + bytes([len(blob)])
    path = tmp_path / "a.pbf"
    path.write_bytes(len(header).to_bytes(4) + header + blob)
    notes: list[str] = []
    tell_incomplete_relations(path, ["name"], None, set(), notes.append)
    assert [note.split(";")[0] for note in notes] in (
        [],
        [f"{path} is damaged or of a make that only GDAL reads"],
    )
