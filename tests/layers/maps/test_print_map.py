"""The printed map: that ink lies where the ground is, to scale, with every word readable in the PDF."""

import datetime
import io
import re
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pypdf
import pytest
import shapely
from matplotlib import font_manager
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from pyproj import CRS, Geod

from gis.classes import ClassificationMethod, class_ranges, upper_bounds
from gis.errors import InputError
from gis.gaps import SEVERITY_COLOURS
from layers.maps import PrintMap, mpl_style, render_print_map
from layers.maps.choropleth import sample_ramp
from layers.maps.print_map import PAPER_MM

DAY = datetime.date(2026, 3, 1)


def pixels(sheet: PrintMap) -> np.ndarray:
    return imread(io.BytesIO(render_print_map(sheet, "png")))[:, :, :3]


def ink_of(image: np.ndarray, colour: tuple[float, float, float], tolerance: float = 0.02) -> np.ndarray:
    return np.argwhere(np.abs(image - np.array(colour)).max(axis=2) < tolerance)


def one(width_m: float, height_m: float, lon: float = 114.0, lat: float = 22.5) -> gpd.GeoDataFrame:
    """A rectangle of a length on the ellipsoid."""
    east = Geod(ellps="GRS80").fwd(lon, lat, 90, width_m)[0]
    north = Geod(ellps="GRS80").fwd(lon, lat, 0, height_m)[1]
    box = shapely.segmentize(shapely.box(lon, lat, east, north), 0.001)
    return gpd.GeoDataFrame({"code": ["1"], "value": [3.0]}, geometry=[box], crs="EPSG:4326")


def test_the_paper_is_a3_and_a_length_on_it_is_the_length_on_the_ground() -> None:
    image = pixels(PrintMap(one(5_000, 2_000), measure="value", language="en"))
    per_mm = image.shape[1] / PAPER_MM[0]
    assert image.shape[0] / per_mm == pytest.approx(PAPER_MM[1], abs=0.2)
    map_only = image[:, : int(320 * per_mm)]
    background = map_only[int(20 * per_mm), int(20 * per_mm)]
    covered = np.argwhere(np.abs(map_only - background).max(axis=2) > 0.02)
    # The frame and the arrow aside: rows through the middle of the map.
    middle = covered[np.abs(covered[:, 0] - image.shape[0] / 2) < 20]
    inside = middle[(middle[:, 1] > 12 * per_mm) & (middle[:, 1] < 318 * per_mm)]
    width = (inside[:, 1].max() - inside[:, 1].min()) / per_mm
    # 5 km to 1:20,000, the smallest round scale in which it leaves a margin.
    assert width == pytest.approx(250, abs=0.7)


def test_gaps_classes_and_neighbours_have_their_colours(
    cells: gpd.GeoDataFrame, gaps: gpd.GeoDataFrame
) -> None:
    plain = pixels(PrintMap(cells, language="en", date=DAY))
    gap = pixels(PrintMap(cells, gaps=gaps, language="en", date=DAY))
    red = to_rgb(SEVERITY_COLOURS["high"])
    assert not len(ink_of(plain, red))
    assert len(ink_of(gap, red)) > 50
    assert (pixels(PrintMap(cells, measure="households", language="en", date=DAY)) != plain).any()


def test_true_north_is_where_the_meridian_runs() -> None:
    place = np.array([500_000.0 + 90_000, 2_500_000.0])
    angle = mpl_style.true_north_angle(CRS("EPSG:4547"), place)
    # East of the central meridian the grid's north lies east of true north: by about d·tan(lat)/R.
    expected = -90_000 / 6_378_137 * np.tan(np.radians(22.6))
    assert angle == pytest.approx(expected, rel=0.01)


def test_words_of_the_pdf_can_be_read_by_a_program(cells: gpd.GeoDataFrame) -> None:
    document = pypdf.PdfReader(
        io.BytesIO(render_print_map(PrintMap(cells, plan="春季方案", date=DAY), "pdf"))
    )
    words = document.pages[0].extract_text()
    assert "责任网格图" in words
    assert "春季方案" in words
    assert "2026-03-01" in words
    assert not re.search("甄有名|13912345678", words)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_classes_of_whole_numbers_do_not_share_a_number(cells: gpd.GeoDataFrame, language: str) -> None:
    drawn = PrintMap(cells, measure="households", language=language, date=DAY)
    words = pypdf.PdfReader(io.BytesIO(render_print_map(drawn, "pdf"))).pages[0].extract_text()
    found = re.findall(r"^([\d,]+) – ([\d,]+)$", words, re.MULTILINE)
    assert found == [("0", "200"), ("201", "400"), ("401", "600"), ("601", "800"), ("801", "1,000")]


@pytest.mark.parametrize("method", ClassificationMethod)
def test_the_legend_tells_the_method_and_its_classes(
    cells: gpd.GeoDataFrame, method: ClassificationMethod
) -> None:
    values = [3, 4, 5, 40, 41, 90, 300, 310, 1000, 1001, 1002, 5000]
    drawn = PrintMap(
        cells.assign(households=values),
        measure="households",
        method=method,
        classes=7,
        language="en",
        date=DAY,
    )
    words = pypdf.PdfReader(io.BytesIO(render_print_map(drawn, "pdf"))).pages[0].extract_text()
    name = {"quantiles": "Quantiles", "natural_breaks": "Natural breaks", "equal_interval": "Equal intervals"}
    assert f"Classes by {name[method]}" in re.sub(" +", " ", words)
    ranges = class_ranges(values, upper_bounds(values, 7, method)).tolist()
    told = [f"{low:,.0f} – {high:,.0f}" if low != high else f"{low:,.0f}" for low, high in ranges]
    lines = words.splitlines()
    assert [each for each in told if each not in lines] == []


def test_as_many_classes_have_as_many_tints(cells: gpd.GeoDataFrame) -> None:
    drawn = PrintMap(
        cells.assign(load=range(12)),
        measure="load",
        method=ClassificationMethod.equal_interval,
        classes=9,
        date=DAY,
    )
    ground = np.array([0xFB, 0xFA, 0xF7])
    inks = [(0.85 * np.array(list(bytes.fromhex(tint[1:]))) + 0.15 * ground) / 255 for tint in sample_ramp(9)]
    image = pixels(drawn)
    image = image[:, : int(320 / PAPER_MM[0] * image.shape[1])]
    assert [
        tint for tint, each in zip(sample_ramp(9), inks, strict=True) if not len(ink_of(image, each))
    ] == []


def test_classes_of_ground_tell_their_unit(cells: gpd.GeoDataFrame) -> None:
    measured = cells.assign(area_m2=[900.6 + 30_000.25 * row for row in range(len(cells))])
    drawn = PrintMap(measured, measure="area_m2", language="en", date=DAY)
    words = pypdf.PdfReader(io.BytesIO(render_print_map(drawn, "pdf"))).pages[0].extract_text()
    found = re.findall(r"^([\d,.]+ k?m²) – ([\d,.]+ k?m²)$", words, re.MULTILINE)
    assert len(found) > 1
    assert found[0][0] == "901 m²"
    assert found[-1][1] == f"{measured['area_m2'].max() / 1e6:.2f} km²"


def test_the_pdf_is_one_a3_page(cells: gpd.GeoDataFrame) -> None:
    document = render_print_map(PrintMap(cells, language="en", date=DAY), "pdf")
    assert document.startswith(b"%PDF-")
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", document)
    assert box
    assert [float(each) * 25.4 / 72 for each in box.groups()] == pytest.approx(PAPER_MM, abs=0.1)
    assert len(re.findall(rb"/Type /Page\b", document)) == 1


def test_frames_stay_as_they_were(cells: gpd.GeoDataFrame) -> None:
    before = cells.copy()
    render_print_map(PrintMap(cells, language="en"), "pdf")
    assert cells.equals(before)


def test_what_cannot_be_drawn_is_said(cells: gpd.GeoDataFrame) -> None:
    sheet = PrintMap(cells, language="en")
    with pytest.raises(InputError, match="no column 'beauty'"):
        render_print_map(replace(sheet, measure="beauty"), "png")
    with pytest.raises(InputError, match="holds text"):
        render_print_map(replace(sheet, measure="name"), "png")
    with pytest.raises(InputError, match="no polygon"):
        render_print_map(replace(sheet, cells=cells.iloc[:0]), "png")
    with pytest.raises(InputError, match="zh or en"):
        render_print_map(replace(sheet, language="fr"), "png")


def test_a_system_without_chinese_letters_is_told_what_to_install(
    cells: gpd.GeoDataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    latin = [each for each in font_manager.fontManager.ttflist if each.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", latin)
    with pytest.raises(InputError, match="fonts-wqy-microhei"):
        render_print_map(PrintMap(cells, date=DAY), "png")


def test_units_lie_beneath_cells_and_official_borders_have_their_colour() -> None:
    west, east = one(2_000, 2_000), one(2_000, 2_000, lon=114.019)
    units = gpd.GeoDataFrame({"code": ["u1", "u2"]}, geometry=[*west.geometry, *east.geometry], crs=west.crs)
    whole = gpd.GeoDataFrame({"code": ["1"]}, geometry=[shapely.box(*units.total_bounds)], crs=west.crs)
    plain = PrintMap(whole, language="en")
    assert not len(ink_of(pixels(plain), to_rgb("#ff00ff")))
    image = pixels(replace(plain, border="#ff00ff", units=units))
    magenta = ink_of(image, to_rgb("#ff00ff"), 0.3)
    map_only = magenta[magenta[:, 1] < image.shape[1] * 0.75]
    # All four sides of the cell, and in its middle, where units meet, another line.
    (top, left), (bottom, right) = map_only.min(axis=0), map_only.max(axis=0)
    middle = image[(top + bottom) // 2, left + 20 : right - 20]
    darker = np.abs(middle - np.median(middle, axis=0)).max(axis=1) > 0.1
    assert darker.any()
    assert not len(ink_of(middle[None], to_rgb("#ff00ff"), 0.3))
    words = pypdf.PdfReader(io.BytesIO(render_print_map(replace(plain, units=units), "pdf"))).pages[0]
    assert "Border of units" in words.extract_text()
