"""Drawing on paper with matplotlib: polygons, hatches, lines, text with halos, and the side column."""

import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import matplotlib as mpl
import numpy as np
import shapely
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import Stroke
from pyproj import CRS

from gis.arrays import FloatArray, Geometries
from gis.crs import LONLAT, transformer_between
from gis.errors import InputError

TEXT_COLOUR, MUTED_COLOUR, RULE_COLOUR = "#1F2B38", "#5F6B78", "#D5DADF"

# Fonts of the usual systems, the best ones first.
_CHINESE_FONTS = (
    *("Source Han Sans SC", "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei"),
    *(
        "Heiti SC",
        "SimHei",
        "WenQuanYi Micro Hei",
        "WenQuanYi Zen Hei",
        "Noto Sans CJK JP",
        "Droid Sans Fallback",
    ),
)
# This many marks must be small.
_FEW_MARKERS, _MANY_MARKERS = 200, 2_000
# How matplotlib writes a line of a pattern; more of them lie closer.
_HATCH_LINES = {0: "-", 45: "/", 90: "|", 135: "\\"}
_HATCH_DENSITY = 6
# Characters beyond this are as wide as they are high.
_FULL_WIDTH_FROM = 0x2E80
_POINTS_PER_MM = 72 / 25.4
# The settings of matplotlib are global to the process.
_style_lock = Lock()


def font_families() -> list[str]:
    """Return the font families for print, those with Chinese characters first, then fallbacks."""
    present = {each.name for each in font_manager.fontManager.ttflist}
    return [*(name for name in _CHINESE_FONTS if name in present), "DejaVu Sans"]


@contextmanager
def print_style() -> Iterator[None]:
    """Print with our fonts and line styles, one sheet at a time."""
    with (
        _style_lock,
        mpl.rc_context(
            {
                "font.family": font_families(),
                # Text stays text, so that it can be searched and copied.
                "pdf.fonttype": 42,
                "axes.unicode_minus": False,
                "hatch.linewidth": 0.5,
            }
        ),
    ):
        yield


@contextmanager
def printing() -> Iterator[None]:
    """Draw in our style, and refuse text for which no installed font has the characters."""
    with print_style(), warnings.catch_warnings():
        # A missing glyph would be printed as an empty box.
        warnings.filterwarnings("error", message=".*[Gg]lyph.*")
        try:
            yield
        except UserWarning as warning:
            raise InputError(
                "No font with Chinese characters is installed; install one (Debian: fonts-wqy-microhei)."
            ) from warning


def fill_polygons(
    axes: Axes, geometries: Geometries, tint: str, *, alpha: float = 1.0, zorder: float
) -> None:
    """Fill polygons, without a border."""
    if (path := _ring_path(geometries)) is not None:
        patch = PathPatch(path, facecolor=tint, edgecolor="none", alpha=alpha, zorder=zorder)
        axes.add_patch(patch)


def hatch_pattern(directions: Collection[int]) -> str:
    """Return the pattern of lines in some directions, in degrees counter-clockwise from east."""
    lines = "".join(_HATCH_LINES[direction] for direction in directions)
    return lines * (_HATCH_DENSITY // len(directions))


def hatch_polygons(
    axes: Axes, geometries: Geometries, tint: str, directions: Collection[int], *, zorder: float
) -> None:
    """Hatch polygons with lines in some directions, so that what lies below stays visible."""
    if (path := _ring_path(geometries)) is not None:
        axes.add_patch(
            PathPatch(
                path,
                facecolor="none",
                edgecolor=tint,
                hatch=hatch_pattern(directions),
                linewidth=0.5,
                zorder=zorder,
            )
        )


def draw_outlines(axes: Axes, geometries: Geometries, tint: str, linewidth: float, *, zorder: float) -> None:
    """Draw the borders of polygons, `linewidth` in points."""
    if (path := _ring_path(geometries)) is not None:
        axes.add_patch(
            PathPatch(
                path, facecolor="none", edgecolor=tint, linewidth=linewidth, joinstyle="round", zorder=zorder
            )
        )


def draw_lines(
    axes: Axes,
    geometries: Geometries,
    tint: str,
    linewidth: float,
    *,
    dashes: tuple[float, ...] | None = None,
    zorder: float,
) -> None:
    """Draw lines, `linewidth` in points."""
    parts = shapely.get_parts(geometries)
    parts = parts[(shapely.get_dimensions(parts) == 1) & ~shapely.is_empty(parts)]
    if len(parts):
        coordinates, owner = shapely.get_coordinates(parts, return_index=True)
        codes = np.full(len(coordinates), Path.LINETO, dtype=Path.code_type)
        codes[np.r_[True, owner[1:] != owner[:-1]]] = Path.MOVETO
        patch = PathPatch(
            Path(coordinates, codes),
            facecolor="none",
            edgecolor=tint,
            linewidth=linewidth,
            linestyle="solid" if dashes is None else (0, dashes),
            capstyle="round" if dashes is None else "butt",
            zorder=zorder,
        )
        axes.add_patch(patch)


def draw_markers(axes: Axes, geometries: Geometries, marker: str, tint: str, *, zorder: float) -> None:
    """Mark points."""
    positions = shapely.get_coordinates(geometries)
    size = 20.0 if len(positions) < _FEW_MARKERS else 9.0 if len(positions) < _MANY_MARKERS else 2.0
    # A cross has no fill whose edge could be drawn.
    edge: dict[str, Any] = {} if marker == "x" else {"edgecolors": "white"}
    axes.scatter(
        positions[:, 0],
        positions[:, 1],
        s=size,
        marker=marker,
        c=tint,
        linewidths=0.35,
        zorder=zorder,
        **edge,
    )


def text_extent(text: str, size: float) -> tuple[float, float]:
    """Return the approximate width and height of text in mm; `size` in points."""
    lines = text.splitlines()
    widest = max(sum(1.0 if ord(letter) > _FULL_WIDTH_FROM else 0.56 for letter in line) for line in lines)
    return widest * size / _POINTS_PER_MM, len(lines) * size * 1.2 / _POINTS_PER_MM


def draw_label(axes: Axes, position: shapely.Point, label: str, size: float, *, zorder: float) -> None:
    """Write text centred on a place, with a halo that separates it from the lines below; `size` in points."""
    # Text with an effect is drawn as outlines: the same text goes on top without one, so that it stays text.
    for effects, order in (([Stroke(linewidth=size / 4.2, foreground="white", alpha=0.85)], 0.0), ([], 0.1)):
        axes.text(
            position.x,
            position.y,
            label,
            size=size,
            color=TEXT_COLOUR,
            ha="center",
            va="center",
            linespacing=1.15,
            zorder=zorder + order,
            clip_on=True,
            path_effects=effects,
        )


def draw_north_arrow(
    axes: Axes, foot: FloatArray, angle: float, per_mm: float, label: str, *, zorder: float
) -> None:
    """Draw an arrow from a place, 14 mm long, its direction in radians clockwise; `per_mm` in map units."""
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    for outline, fill in (
        ([(0, 14), (-3.6, 0), (0, 3)], TEXT_COLOUR),
        ([(0, 14), (3.6, 0), (0, 3)], "white"),
    ):
        corners = foot + np.array(outline) @ turn * per_mm
        axes.add_patch(Polygon(corners, facecolor=fill, edgecolor=TEXT_COLOUR, lw=0.7, zorder=zorder))
    top = foot + np.array([0, 17.5]) @ turn * per_mm
    axes.text(
        float(top[0]),
        float(top[1]),
        label,
        ha="center",
        va="center",
        size=10,
        color=TEXT_COLOUR,
        zorder=zorder,
    )


def true_north_angle(crs: CRS, position: FloatArray) -> float:
    """Return the direction of true north at a place, in radians clockwise from the grid's north."""
    back = transformer_between(crs, LONLAT)
    forth = transformer_between(LONLAT, crs)
    lon, lat = back.transform(*position)
    east, up = np.subtract(forth.transform(lon, min(lat + 0.01, 90.0)), forth.transform(lon, lat))
    return float(np.arctan2(east, up))


def _ring_path(geometries: Geometries) -> Path | None:
    """Return all rings of polygons as one path."""
    rings = shapely.get_rings(shapely.get_parts(geometries[shapely.get_dimensions(geometries) == 2]))
    if not len(rings):
        return None
    coordinates, owner = shapely.get_coordinates(rings, return_index=True)
    first = np.r_[True, owner[1:] != owner[:-1]]
    codes = np.full(len(coordinates), Path.LINETO, dtype=Path.code_type)
    codes[first] = Path.MOVETO
    codes[np.r_[first[1:], True]] = Path.CLOSEPOLY
    return Path(coordinates, codes)


class Sidebar:
    """The column beside the map, filled from the top; lengths in mm on axes whose y grows downwards.

    Parameters
    ----------
    axes
        One millimetre a unit.
    width
        Of the column.
    """

    def __init__(self, axes: Axes, width: float) -> None:
        self._axes, self._width, self._y = axes, width, 0.0

    def heading(self, words: str) -> None:
        """Write the heading, smaller where it is long."""
        size = min(22.0, 22.0 * self._width / text_extent(words, 22.0)[0])
        self._y += size / _POINTS_PER_MM
        self._write(words, 0, size)
        self._y += 3

    def section_title(self, words: str) -> None:
        """Write the title of a section."""
        self._y += 3.5
        self._write(words, 0, 10.5)
        self._y += 3

    def text_line(self, words: str) -> None:
        """Write one line."""
        self._y += 4
        self._write(words, 0, 8.5)
        self._y += 1

    def muted_line(self, words: str, colour: str = MUTED_COLOUR) -> None:
        """Write one quiet line, smaller where it is long."""
        self._y += 3.6
        self._write(words, 0, min(8.0, 8.0 * self._width / text_extent(words, 8.0)[0]), colour)
        self._y += 1

    def rule(self) -> None:
        """Draw a line across."""
        self._y += 3
        self._axes.plot([0, self._width], [self._y, self._y], color=RULE_COLOUR, lw=0.6)
        self._y += 2

    def key_figures(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Write names and figures, two pairs in a row."""
        for number, (name, figure) in enumerate(pairs):
            left = (number % 2) * self._width / 2
            if number % 2 == 0:
                self._y += 6.5
            self._write(figure, left, 13)
            self._axes.text(left, self._y + 4.2, name, size=7.5, color=MUTED_COLOUR, va="baseline")
            if number % 2 or number == len(pairs) - 1:
                self._y += 5.5

    def swatch(self, patch_type: type[Rectangle], words: str, **paint: Any) -> None:
        """Draw a sample of a filled area with its meaning."""
        self._y += 5
        paint.setdefault("edgecolor", TEXT_COLOUR)
        self._axes.add_patch(patch_type((0, self._y - 3.2), 9, 4, linewidth=0.4, **paint))
        self._write(words, 12, 8.5)
        self._y += 0.8

    def swatches(self, tints: Sequence[str], words: str, *, alpha: float) -> None:
        """Draw samples side by side that have one meaning together."""
        self._y += 5
        wide = 9 / len(tints) * 2
        for number, tint in enumerate(tints):
            self._axes.add_patch(
                Rectangle(
                    (number * wide, self._y - 3.2), wide, 4, facecolor=tint, edgecolor="none", alpha=alpha
                )
            )
        self._write(words, wide * len(tints) + 3, 8.5)
        self._y += 0.8

    def line_swatch(self, words: str, tint: str, linewidth: float) -> None:
        """Draw a sample of a line with its meaning."""
        self._y += 5
        self._axes.plot([0, 9], [self._y - 1.2, self._y - 1.2], color=tint, lw=linewidth)
        self._write(words, 12, 8.5)
        self._y += 0.8

    def marker_swatch(self, words: str, marker: str, tint: str) -> None:
        """Draw a sample of a mark with its meaning."""
        self._y += 5
        self._axes.add_line(
            Line2D([4.5], [self._y - 1.2], marker=marker, color=tint, markeredgecolor="white", markersize=5)
        )
        self._write(words, 12, 8.5)
        self._y += 0.8

    def scale_bar(self, scale: float) -> None:
        """Draw a bar of a round length, between 25 and 62 mm long on paper."""
        lengths = np.outer(10.0 ** np.arange(0, 7), (1, 2, 2.5, 5)).ravel()
        metres = float(lengths[lengths * 1000 / scale <= 62].max())
        wide = metres * 1000 / scale
        self._y += 7
        for number in range(4):
            self._axes.add_patch(
                Rectangle(
                    (number * wide / 4, self._y - 1.6),
                    wide / 4,
                    1.6,
                    facecolor=TEXT_COLOUR if number % 2 == 0 else "white",
                    edgecolor=TEXT_COLOUR,
                    linewidth=0.5,
                )
            )
        unit, factor = ("km", 1000) if metres >= 1000 else ("m", 1)
        for share in (0.0, 0.5, 1.0):
            label = f"{metres * share / factor:g}" + (f" {unit}" if share == 1.0 else "")
            self._axes.text(
                share * wide, self._y - 2.6, label, size=7, color=TEXT_COLOUR, ha="center", va="baseline"
            )
        self._y += 1.5

    def _write(self, words: str, left: float, size: float, colour: str = TEXT_COLOUR) -> None:
        self._axes.text(left, self._y, words, size=size, color=colour, va="baseline")
