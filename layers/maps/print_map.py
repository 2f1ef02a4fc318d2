"""The printed map: cells on one A3 sheet to a round scale, as PDF or PNG."""

import datetime
import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from numpy.typing import NDArray
from pyproj import CRS

from gis.classes import Method
from gis.codes import required_codes
from gis.colours import TOL_BRIGHT, TOL_GREY, colour
from gis.crs import choose_crs, to_working
from gis.errors import InputError
from gis.measures import area_m2
from layers.maps import map_layers, mpl_style
from layers.maps.choropleth import Classing, rounded, tints
from layers.maps.label_placement import Lettered, arrange
from layers.maps.labels import field_label, kind_words, sheet_words

PAPER_MM = (420.0, 297.0)
_MARGIN, _SIDE, _GUTTER = 10.0, 82.0, 5.0
_MAP_MM = (PAPER_MM[0] - 2 * _MARGIN - _SIDE - _GUTTER, PAPER_MM[1] - 2 * _MARGIN)
_DPI = 200
# A label of a cell needs this much paper, in mm.
_ROOM = (9.0, 4.2)
# Where fewer of the cells have room, none is labelled: a code here and there would look like a mark.
_LABELLED = 0.5
_SCALES = np.outer(10.0 ** np.arange(2, 8), (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5, 8.0)).ravel()
_SEVERITIES = {3: "#B2182B", 2: "#E08214", 1: "#C4A000"}
_MARKERS = (("o", "#00718F"), ("^", "#6A3D9A"), ("s", "#B15928"), ("D", "#1B7837"), ("v", "#C2185B"))
_INK, _QUIET = "#1F2B38", "#5F6B78"


@dataclass(frozen=True, eq=False)
class Sheet:
    """What one printed map shows; frames may be in any CRS and are never changed.

    Attributes
    ----------
    cells
        The plan: `code`, and if present `name`, `area_code`, `area_m2` and loads; `leader` holds the number
        of the officer who leads a cell, never a name.
    areas
        Administrative areas: `code`, and if present `name`, `parent`.
    gaps
        As `gis.gaps` describes them.
    layers
        Key units to mark, by the name of their layer.
    base
        Ground to read the map by: any of green, water, buildings, railway, roads.
    measure
        Numeric column of the cells, or name of a layer to count, to colour by; neighbours apart when not
        given.
    method, classes
        How the measure is divided, and into how many classes at most.
    title, plan
        Heading, and the plan's name below it.
    date
        The day that is shown; today when not given.
    synthetic
        Print on the map that the data are made up.
    language
        ``zh`` or ``en``.
    """

    cells: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame | None = None
    gaps: gpd.GeoDataFrame | None = None
    layers: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    base: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    measure: str | None = None
    method: Method = Method.quantiles
    classes: int = 5
    title: str | None = None
    plan: str | None = None
    date: datetime.date | None = None
    synthetic: bool = False
    language: str = "zh"


def draw_sheet(sheet: Sheet, form: Literal["pdf", "png"]) -> bytes:
    """Draw a map on an A3 sheet, landscape, in its working CRS to a round scale.

    Parameters
    ----------
    form
        ``pdf`` (text and lines) or ``png`` (200 dots per inch).

    Raises
    ------
    InputError
        If there is nothing to draw, a code is missing, the measure is no numeric column, or no installed font
        has the characters of the text.
    """
    cells = sheet.cells.reset_index(drop=True)
    if not (shapely.get_dimensions(cells.geometry.to_numpy()) == 2).any():
        raise InputError("The cells hold no polygon to draw.")
    crs = choose_crs(cells)
    drawing = _Drawing(sheet, to_working(map_layers.lonlat(cells, "cells"), crs), crs)
    with mpl_style.style(), warnings.catch_warnings():
        # A missing glyph would be printed as an empty box.
        warnings.filterwarnings("error", message=".*[Gg]lyph.*")
        figure = Figure(figsize=(PAPER_MM[0] / 25.4, PAPER_MM[1] / 25.4), dpi=_DPI)
        FigureCanvasAgg(figure)
        try:
            drawing.draw(figure)
            target = io.BytesIO()
            moment = {"CreationDate": None} if form == "pdf" else {}
            figure.savefig(target, format=form, metadata={"Title": drawing.title, **moment})
        except UserWarning as warning:
            raise InputError(
                "No font with Chinese characters is installed; install one (Debian: fonts-wqy-microhei)."
            ) from warning
    return target.getvalue()


class _Drawing:
    """One sheet in the making."""

    def __init__(self, sheet: Sheet, cells: gpd.GeoDataFrame, crs: CRS) -> None:
        self.sheet, self.cells, self.crs = sheet, cells, crs
        self.words = sheet_words(sheet.language)
        self.title = sheet.title or self.words["title"]
        self.codes = required_codes(cells["code"])
        west, south, east, north = cells.total_bounds
        need = max((east - west) / _MAP_MM[0], (north - south) / _MAP_MM[1]) * 1000 * 1.06
        self.scale = float(_SCALES[np.searchsorted(_SCALES, need)])
        half = np.array(_MAP_MM) / 2000 * self.scale
        self.centre = np.array([(west + east) / 2, (south + north) / 2])
        self.window = shapely.box(*(self.centre - half), *(self.centre + half))
        self.values, self.ranges = self._measure()
        self.units: list[int] = []
        self.shortened = ""

    def draw(self, figure: Figure) -> None:
        """Put everything on the paper."""
        width, height = PAPER_MM
        on_map = figure.add_axes(
            (_MARGIN / width, _MARGIN / height, _MAP_MM[0] / width, _MAP_MM[1] / height), facecolor="#FBFAF7"
        )
        west, south, east, north = self.window.bounds
        on_map.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[], aspect="equal")
        for spine in on_map.spines.values():
            spine.set(linewidth=0.8, color=_INK)
        self._ground(on_map)
        self._fill(on_map)
        self._lines(on_map)
        self._gaps(on_map)
        self._units(on_map)
        self._names(on_map)
        self._north(on_map)
        left = (_MARGIN + _MAP_MM[0] + _GUTTER) / width
        side = figure.add_axes((left, _MARGIN / height, _SIDE / width, _MAP_MM[1] / height))
        side.set(xlim=(0, _SIDE), ylim=(_MAP_MM[1], 0))
        side.axis("off")
        self._side(side)

    def _measure(self) -> tuple[NDArray[np.float64] | None, list[tuple[float, float]]]:
        name = self.sheet.measure
        if name is None:
            return None, []
        if name in self.sheet.layers:
            frame = map_layers.lonlat(self.sheet.layers[name], name)
            counts = map_layers.counts_per_cell(name, frame, map_layers.lonlat(self.sheet.cells, "cells"))
            values = counts.astype(float)
        elif name not in self.cells:
            raise InputError(f"The cells have no column '{name}' to colour by.")
        elif not pd.api.types.is_numeric_dtype(self.cells[name]):
            raise InputError(f"The column '{name}' holds text; a map is coloured by numbers.")
        else:
            values = self.cells[name].to_numpy(dtype=float, na_value=np.nan)
        values = rounded(values)
        return values, Classing(self.sheet.classes, self.sheet.method).ranges(values)

    def _near(self, frame: gpd.GeoDataFrame, what: str) -> gpd.GeoDataFrame:
        """Return what of a layer lies on the paper, in the working CRS."""
        moved = to_working(map_layers.lonlat(frame, what), self.crs)
        return moved[moved.geometry.intersects(self.window)].reset_index(drop=True)

    def _ground(self, axes: Axes) -> None:
        for name in map_layers.base_order(list(self.sheet.base)):
            frame = self._near(self.sheet.base[name], name)
            shapes = frame.geometry.to_numpy()
            if name == "roads":
                ranks = np.asarray(map_layers.road_ranks(frame))
                for rank, weight in ((2, 0.25), (1, 0.5), (0, 1.0)):
                    mpl_style.lines(axes, shapes[ranks == rank], "#D9CDB8", weight, zorder=2)
            elif name == "railway":
                mpl_style.lines(axes, shapes, "#8D8D94", 0.9, dashes=(4, 2), zorder=2)
            else:
                tint = {"green": "#DDEBD3", "water": "#BCD7E8", "buildings": "#E3DED6"}[name]
                mpl_style.areas(axes, shapes, tint, zorder=1)

    def _fill(self, axes: Axes) -> None:
        shapes = self.cells.geometry.to_numpy()
        if self.values is None:
            numbers = np.asarray(colour(map_layers.lonlat(self.sheet.cells, "cells").reset_index(drop=True)))
            for number, tint in enumerate(TOL_BRIGHT):
                mpl_style.areas(axes, shapes[numbers == number], tint, alpha=0.26, zorder=3)
            return
        known = np.isfinite(self.values)
        uppers = [high for _, high in self.ranges[:-1]]
        numbers = np.searchsorted(uppers, np.where(known, self.values, 0), side="left")
        for number, tint in enumerate(tints(len(self.ranges))):
            mpl_style.areas(axes, shapes[known & (numbers == number)], tint, alpha=0.85, zorder=3)
        mpl_style.areas(axes, shapes[~known], TOL_GREY, alpha=0.5, zorder=3)

    def _lines(self, axes: Axes) -> None:
        mpl_style.outlines(axes, self.cells.geometry.to_numpy(), _INK, 0.18, zorder=5)
        if self.sheet.areas is None:
            return
        areas = self._near(self.sheet.areas, "areas")
        depth = map_layers.depths(areas)
        for level in np.unique(depth)[::-1]:
            weight = (1.8, 1.0, 0.45)[min(int(level), 2)]
            mpl_style.outlines(axes, areas.geometry.to_numpy()[depth == level], _INK, weight, zorder=6)

    def _gaps(self, axes: Axes) -> None:
        if self.sheet.gaps is None or not len(self.sheet.gaps):
            return
        gaps = self._near(self.sheet.gaps, "gaps")
        severity = map_layers.severities(gaps)
        for number, tint in sorted(_SEVERITIES.items()):
            shapes = gaps.geometry.to_numpy()[severity == number]
            mpl_style.hatched(axes, shapes[shapely.get_dimensions(shapes) == 2], tint, zorder=7)
            mpl_style.marks(axes, shapes[shapely.get_dimensions(shapes) == 0], "x", tint, zorder=7)

    def _units(self, axes: Axes) -> None:
        for (_, frame), (marker, tint) in zip(self.sheet.layers.items(), _MARKERS, strict=False):
            near = self._near(frame, "layers")
            mpl_style.marks(axes, shapely.centroid(near.geometry.to_numpy()), marker, tint, zorder=8)
            self.units.append(len(near))

    def _names(self, axes: Axes) -> None:
        """Write names where there is room: areas before the cells, those above before those beneath."""
        for each, place in arrange(self._area_names(), self._cell_names(), self.scale):
            mpl_style.text(axes, place, each.words, each.size, zorder=each.order)

    def _area_names(self) -> list[Lettered]:
        if self.sheet.areas is None:
            return []
        areas = self._near(self.sheet.areas, "areas")
        depth = map_layers.depths(areas)
        names = map_layers.texts(areas["name"] if "name" in areas else areas["code"])
        lowest = int(depth.max(initial=0))
        found = []
        for row in np.argsort(depth, kind="stable"):
            if depth[row] == 0 and lowest > 0:
                continue
            size, order = (9.0, 11.0) if depth[row] < lowest else (6.5, 10.0)
            ground = areas.geometry.iloc[row]
            west, _, east, _ = ground.bounds
            if (east - west) / self.scale * 1000 > mpl_style.room(names[row], size)[0]:
                found.append(Lettered(ground, names[row], size, order))
        return found

    def _cell_names(self) -> list[Lettered]:
        leaders = map_layers.texts(self.cells["leader"]) if "leader" in self.cells else [""] * len(self.cells)
        box = shapely.bounds(self.cells.geometry.to_numpy()) / self.scale * 1000
        room = (box[:, 2] - box[:, 0] >= _ROOM[0]) & (box[:, 3] - box[:, 1] >= _ROOM[1])
        if room.mean() < _LABELLED:
            return []
        prefix = self.shortened = map_layers.common_prefix(self.codes)
        found = []
        for row in np.flatnonzero(room):
            words = self.codes[row][len(prefix) :] + (f"\n{leaders[row]}" if leaders[row] else "")
            found.append(Lettered(self.cells.geometry.iloc[row], words, 4.5, 9.0))
        return found

    def _north(self, axes: Axes) -> None:
        """Draw an arrow to true north, which differs from the grid's by the convergence of the meridians."""
        angle = mpl_style.north(self.crs, self.centre)
        per_mm = self.scale / 1000
        _, _, east, north = self.window.bounds
        foot = np.array([east - 12 * per_mm, north - 24 * per_mm])
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        for outline, fill in (([(0, 14), (-3.6, 0), (0, 3)], _INK), ([(0, 14), (3.6, 0), (0, 3)], "white")):
            axes.add_patch(
                Polygon(
                    foot + np.array(outline) @ turn * per_mm,
                    facecolor=fill,
                    edgecolor=_INK,
                    lw=0.7,
                    zorder=12,
                )
            )
        top = foot + np.array([0, 17.5]) @ turn * per_mm
        axes.text(
            float(top[0]),
            float(top[1]),
            self.words["north"],
            ha="center",
            va="center",
            size=10,
            color=_INK,
            zorder=12,
        )

    def _side(self, axes: Axes) -> None:
        place = mpl_style.Column(axes, _SIDE)
        place.heading(self.title)
        day = (self.sheet.date or datetime.date.today()).isoformat()
        place.quiet(f"{self.sheet.plan} · {day}" if self.sheet.plan else day)
        if self.sheet.synthetic:
            place.quiet(self.words["synthetic"], colour="#A65E00")
        place.rule()
        ground = float(np.nansum(area_m2(map_layers.lonlat(self.sheet.cells, "cells"))))
        facts = [
            (self.words["cells"], f"{len(self.cells):,}"),
            (self.words["ground"], mpl_style.ground(ground)),
        ]
        facts += [
            (field_label(name, self.sheet.language), f"{self.cells[name].sum():,.0f}")
            for name in ("households", "enterprises")
            if name in self.cells and pd.api.types.is_numeric_dtype(self.cells[name])
        ]
        if self.sheet.gaps is not None:
            facts.append((self.words["gaps"], f"{len(self.sheet.gaps):,}"))
        place.facts(facts)
        place.rule()
        place.title(self.words["legend"])
        self._legend(place)
        place.rule()
        self._foot(place)

    def _legend(self, place: mpl_style.Column) -> None:
        if self.values is None:
            place.swatches(TOL_BRIGHT, self.words["neighbours"], alpha=0.3)
        else:
            place.line(field_label(str(self.sheet.measure), self.sheet.language))
            place.quiet(f"{self.words['method']}  {self.words[self.sheet.method]}")
            for tint, ends in zip(tints(len(self.ranges)), self.ranges, strict=True):
                low, high = (mpl_style.measured(str(self.sheet.measure), value) for value in ends)
                text = low if low == high else f"{low} – {high}"
                place.swatch(Rectangle, text, facecolor=tint, alpha=0.85)
            if not np.isfinite(self.values).all():
                place.swatch(Rectangle, self.words["no_data"], facecolor=TOL_GREY, alpha=0.5)
        place.stroke(self.words["border"], _INK, 0.3)
        if self.sheet.areas is not None:
            place.stroke(self.words["area_border"], _INK, 1.4)
        if self.sheet.gaps is not None and len(self.sheet.gaps):
            severity = map_layers.severities(self.sheet.gaps)
            for number, tint in sorted(_SEVERITIES.items(), reverse=True):
                if (severity == number).any():
                    word = self.words[f"severity_{number}"]
                    text = f"{self.words['gap']} · {word}  {(severity == number).sum():,}"
                    place.swatch(Rectangle, text, facecolor="none", edgecolor=tint, hatch="//////")
        kinds = kind_words(self.sheet.language)
        for name, count, (marker, tint) in zip(self.sheet.layers, self.units, _MARKERS, strict=False):
            label = kinds.get(name) or field_label(name, self.sheet.language)
            place.mark(f"{label}  {count:,}", marker, tint)

    def _foot(self, place: mpl_style.Column) -> None:
        place.scale_bar(self.scale)
        place.quiet(f"1 : {self.scale:,.0f}  (A3)")
        if self.shortened:
            place.quiet(self.words["codes_begin"].format(code=self.shortened))
        if "leader" in self.cells and self.shortened:
            place.quiet(self.words["leader"])
        place.quiet(f"{self.words['projection']}  {self.crs.name}")
        place.quiet(f"{self.words['printed']}  {datetime.date.today().isoformat()}")
