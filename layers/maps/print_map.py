"""The printed map: cells on one A3 sheet to a round scale, as PDF or PNG."""

import datetime
import io
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
from matplotlib.patches import Rectangle
from pyproj import CRS

from gis.arrays import FloatArray
from gis.classes import ClassificationMethod
from gis.codes import require_codes
from gis.colours import TOL_BRIGHT, TOL_GREY, colour_cells
from gis.crs import choose_working_crs, to_working_crs
from gis.errors import InputError
from gis.gaps import GapAnalysis
from gis.measures import MEASURES, Quantity, area_m2, format_quantity, measure_of_column
from layers.maps import basemap_layers, map_layers, mpl_style
from layers.maps.choropleth import Classification, sample_ramp
from layers.maps.gap_layer import analysis_lines, draw_gap_legend, draw_gaps
from layers.maps.label_placement import Label, place_labels
from layers.maps.labels import field_label, kind_labels, print_map_labels

PAPER_MM = (420.0, 297.0)
_MARGIN, _SIDEBAR, _GUTTER = 10.0, 82.0, 5.0
_MAP_MM = (PAPER_MM[0] - 2 * _MARGIN - _SIDEBAR - _GUTTER, PAPER_MM[1] - 2 * _MARGIN)
_DPI = 200
# The label of a cell needs this much space on paper, in mm.
_MIN_LABELLED_MM = (9.0, 4.2)
# If fewer of the cells have room, none is labelled: scattered codes would look like marks.
_MIN_LABELLED_SHARE = 0.5
_SCALES = np.outer(10.0 ** np.arange(2, 8), (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5, 8.0)).ravel()
_MARKERS = (("o", "#00718F"), ("^", "#6A3D9A"), ("s", "#B15928"), ("D", "#1B7837"), ("v", "#C2185B"))
_LINE_COLOUR, _MUTED_COLOUR, _HIGHLIGHT_COLOUR = "#1F2B38", "#5F6B78", "#C2185B"
# Widths in points: of the cells' borders, where they stand out, and of their units'.
_BORDER_WIDTH, _STRONG_BORDER_WIDTH, _UNIT_BORDER_WIDTH = 0.18, 0.7, 0.25


@dataclass(frozen=True, eq=False)
class PrintMap:
    """What one printed map shows; frames may be in any CRS and are never changed.

    Attributes
    ----------
    cells
        The plan: `code`, and if present `name`, `area_code`, `area_m2` and loads; `leader` holds the number
        or the published name of the officer who leads a cell.
    areas
        Administrative areas: `code`, and if present `name`, `parent`.
    units
        The units of which the cells are made, for their borders.
    border
        Colour of the cells' borders, where a standard has one.
    gaps
        As `gis.gaps` describes them.
    gap_analysis
        What is known of each kind; None where nobody says it.
    highlight
        Ground to stand out, such as what changes.
    layers
        Key entities to mark, by the name of their layer.
    base
        Ground to read the map by: any of green, water, buildings, railway, roads.
    measure
        Numeric column of the cells, or name of a layer to count, to colour by; neighbours apart when not
        given.
    method, classes
        The classification method of the measure, and the largest number of classes.
    title, plan
        Heading, and the plan's name below it.
    date
        The day that is shown; today when not given.
    synthetic
        Print on the map that the data are synthetic.
    language
        ``zh`` or ``en``.
    """

    cells: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame | None = None
    units: gpd.GeoDataFrame | None = None
    border: str | None = None
    gaps: gpd.GeoDataFrame | None = None
    gap_analysis: GapAnalysis | None = None
    highlight: gpd.GeoDataFrame | None = None
    layers: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    base: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    measure: str | None = None
    method: ClassificationMethod = ClassificationMethod.quantiles
    classes: int = 5
    title: str | None = None
    plan: str | None = None
    date: datetime.date | None = None
    synthetic: bool = False
    language: str = "zh"


def render_print_map(print_map: PrintMap, file_format: Literal["pdf", "png"]) -> bytes:
    """Draw a map on an A3 sheet, landscape, in its working CRS to a round scale.

    Parameters
    ----------
    file_format
        ``pdf`` (text and lines) or ``png`` (200 dots per inch).

    Raises
    ------
    InputError
        If there is nothing to draw, a code is missing, the measure is no numeric column, or no installed font
        has the characters of the text.
    """
    with mpl_style.printing():
        figure = draw_print_map(print_map)
        target = io.BytesIO()
        moment = {"CreationDate": None} if file_format == "pdf" else {}
        figure.savefig(target, format=file_format, metadata={"Title": print_map_title(print_map), **moment})
    return target.getvalue()


def draw_print_map(print_map: PrintMap) -> Figure:
    """Draw a sheet within `mpl_style.printing`, as `render_print_map` does."""
    cells = print_map.cells.reset_index(drop=True)
    if not (shapely.get_dimensions(cells.geometry.to_numpy()) == 2).any():
        raise InputError("The cells hold no polygon to draw.")
    crs = choose_working_crs(cells)
    drawing = _PrintMapRenderer(print_map, to_working_crs(map_layers.as_lonlat(cells, "cells"), crs), crs)
    figure = Figure(figsize=(PAPER_MM[0] / 25.4, PAPER_MM[1] / 25.4), dpi=_DPI)
    FigureCanvasAgg(figure)
    drawing.draw(figure)
    return figure


def print_map_title(print_map: PrintMap) -> str:
    """Return the heading of a sheet."""
    return print_map.title or print_map_labels(print_map.language)["title"]


class _PrintMapRenderer:
    """One sheet being drawn."""

    def __init__(self, print_map: PrintMap, cells: gpd.GeoDataFrame, crs: CRS) -> None:
        self.print_map, self.cells, self.crs = print_map, cells, crs
        self.words = print_map_labels(print_map.language)
        self.title = print_map_title(print_map)
        self.codes = require_codes(cells["code"])
        west, south, east, north = cells.total_bounds
        need = max((east - west) / _MAP_MM[0], (north - south) / _MAP_MM[1]) * 1000 * 1.06
        self.scale = float(_SCALES[np.searchsorted(_SCALES, need)])
        half = np.array(_MAP_MM) / 2000 * self.scale
        self.centre = np.array([(west + east) / 2, (south + north) / 2])
        self.map_extent = shapely.box(*(self.centre - half), *(self.centre + half))
        self.values, self.ranges = self._read_measure()
        stands_out = print_map.units is not None or print_map.border is not None
        self.border = (
            print_map.border or _LINE_COLOUR,
            (_STRONG_BORDER_WIDTH if stands_out else _BORDER_WIDTH),
        )
        self.entity_counts: list[int] = []
        self.code_prefix = ""

    def draw(self, figure: Figure) -> None:
        """Put everything on the paper."""
        width, height = PAPER_MM
        map_axes = figure.add_axes(
            (_MARGIN / width, _MARGIN / height, _MAP_MM[0] / width, _MAP_MM[1] / height), facecolor="#FBFAF7"
        )
        west, south, east, north = self.map_extent.bounds
        map_axes.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[], aspect="equal")
        for spine in map_axes.spines.values():
            spine.set(linewidth=0.8, color=_LINE_COLOUR)
        self._draw_basemap(map_axes)
        self._draw_cells(map_axes)
        self._draw_borders(map_axes)
        self._draw_highlight(map_axes)
        self._draw_gaps(map_axes)
        self._draw_entities(map_axes)
        self._draw_labels(map_axes)
        self._draw_north_arrow(map_axes)
        left = (_MARGIN + _MAP_MM[0] + _GUTTER) / width
        sidebar_axes = figure.add_axes((left, _MARGIN / height, _SIDEBAR / width, _MAP_MM[1] / height))
        sidebar_axes.set(xlim=(0, _SIDEBAR), ylim=(_MAP_MM[1], 0))
        sidebar_axes.axis("off")
        self._draw_sidebar(sidebar_axes)

    def _read_measure(self) -> tuple[FloatArray | None, list[tuple[float, float]]]:
        name = self.print_map.measure
        if name is None:
            return None, []
        if name in self.print_map.layers:
            frame = map_layers.as_lonlat(self.print_map.layers[name], name)
            counts = map_layers.count_per_cell(
                name, frame, map_layers.as_lonlat(self.print_map.cells, "cells")
            )
            column = pd.Series(counts)
        else:
            column = map_layers.measure_column(map_layers.with_measure(self.cells, name), name)
        measure = measure_of_column(name)
        values = map_layers.rounded_values(measure, column)
        return values, Classification(self.print_map.classes, self.print_map.method).ranges(measure, values)

    def _read_within_extent(self, frame: gpd.GeoDataFrame, layer_name: str) -> gpd.GeoDataFrame:
        """Return the part of a layer that is on the sheet, in the working CRS."""
        moved = to_working_crs(map_layers.as_lonlat(frame, layer_name), self.crs)
        return moved[moved.geometry.intersects(self.map_extent)].reset_index(drop=True)

    def _draw_basemap(self, axes: Axes) -> None:
        for name in basemap_layers.order_basemap_layers(list(self.print_map.base)):
            frame = self._read_within_extent(self.print_map.base[name], name)
            geometries = frame.geometry.to_numpy()
            if name == "roads":
                ranks = np.asarray(basemap_layers.rank_roads(frame))
                for rank, linewidth in ((2, 0.25), (1, 0.5), (0, 1.0)):
                    mpl_style.draw_lines(axes, geometries[ranks == rank], "#D9CDB8", linewidth, zorder=2)
            elif name == "railway":
                mpl_style.draw_lines(axes, geometries, "#8D8D94", 0.9, dashes=(4, 2), zorder=2)
            else:
                tint = {"green": "#DDEBD3", "water": "#BCD7E8", "buildings": "#E3DED6"}[name]
                mpl_style.fill_polygons(axes, geometries, tint, zorder=1)

    def _draw_cells(self, axes: Axes) -> None:
        geometries = self.cells.geometry.to_numpy()
        if self.values is None:
            numbers = np.asarray(
                colour_cells(map_layers.as_lonlat(self.print_map.cells, "cells").reset_index(drop=True))
            )
            for number, tint in enumerate(TOL_BRIGHT):
                mpl_style.fill_polygons(axes, geometries[numbers == number], tint, alpha=0.26, zorder=3)
            return
        known = np.isfinite(self.values)
        uppers = [high for _, high in self.ranges[:-1]]
        numbers = np.searchsorted(uppers, np.where(known, self.values, 0), side="left")
        for number, tint in enumerate(sample_ramp(len(self.ranges))):
            mpl_style.fill_polygons(axes, geometries[known & (numbers == number)], tint, alpha=0.85, zorder=3)
        mpl_style.fill_polygons(axes, geometries[~known], TOL_GREY, alpha=0.5, zorder=3)

    def _draw_borders(self, axes: Axes) -> None:
        if self.print_map.units is not None:
            units = self._read_within_extent(self.print_map.units, "units")
            mpl_style.draw_outlines(
                axes, units.geometry.to_numpy(), _MUTED_COLOUR, _UNIT_BORDER_WIDTH, zorder=4
            )
        mpl_style.draw_outlines(axes, self.cells.geometry.to_numpy(), *self.border, zorder=5)
        if self.print_map.areas is None:
            return
        areas = self._read_within_extent(self.print_map.areas, "areas")
        depth = map_layers.area_depths(areas)
        for level in np.unique(depth)[::-1]:
            linewidth = (1.8, 1.0, 0.45)[min(int(level), 2)]
            mpl_style.draw_outlines(
                axes, areas.geometry.to_numpy()[depth == level], _LINE_COLOUR, linewidth, zorder=6
            )

    def _draw_highlight(self, axes: Axes) -> None:
        if self.print_map.highlight is None:
            return
        ground = self._read_within_extent(self.print_map.highlight, "highlight").geometry.to_numpy()
        mpl_style.fill_polygons(axes, ground, _HIGHLIGHT_COLOUR, alpha=0.25, zorder=6.5)
        mpl_style.draw_outlines(axes, ground, _HIGHLIGHT_COLOUR, 1.2, zorder=6.6)

    def _draw_gaps(self, axes: Axes) -> None:
        if self.print_map.gaps is None or not len(self.print_map.gaps):
            return
        gaps = self._read_within_extent(self.print_map.gaps, "gaps")
        draw_gaps(axes, gaps, zorder=7)

    def _draw_entities(self, axes: Axes) -> None:
        for (_, frame), (marker, tint) in zip(self.print_map.layers.items(), _MARKERS, strict=False):
            near = self._read_within_extent(frame, "layers")
            mpl_style.draw_markers(axes, shapely.centroid(near.geometry.to_numpy()), marker, tint, zorder=8)
            self.entity_counts.append(len(near))

    def _draw_labels(self, axes: Axes) -> None:
        """Write labels where there is room: areas before cells, higher areas before lower ones."""
        for each, place in place_labels(self._area_labels(), self._cell_labels(), self.scale):
            mpl_style.draw_label(axes, place, each.text, each.size, zorder=each.zorder)

    def _area_labels(self) -> list[Label]:
        if self.print_map.areas is None:
            return []
        areas = self._read_within_extent(self.print_map.areas, "areas")
        depth = map_layers.area_depths(areas)
        names = map_layers.as_strings(areas["name"] if "name" in areas else areas["code"])
        lowest = int(depth.max(initial=0))
        found = []
        for row in np.argsort(depth, kind="stable"):
            if depth[row] == 0 and lowest > 0:
                continue
            size, zorder = (9.0, 11.0) if depth[row] < lowest else (6.5, 10.0)
            geometry = areas.geometry.iloc[row]
            west, _, east, _ = geometry.bounds
            if (east - west) / self.scale * 1000 > mpl_style.text_extent(names[row], size)[0]:
                found.append(Label(geometry, names[row], size, zorder))
        return found

    def _cell_labels(self) -> list[Label]:
        leaders = (
            map_layers.as_strings(self.cells["leader"]) if "leader" in self.cells else [""] * len(self.cells)
        )
        bounds = shapely.bounds(self.cells.geometry.to_numpy()) / self.scale * 1000
        fits = (bounds[:, 2] - bounds[:, 0] >= _MIN_LABELLED_MM[0]) & (
            bounds[:, 3] - bounds[:, 1] >= _MIN_LABELLED_MM[1]
        )
        if fits.mean() < _MIN_LABELLED_SHARE:
            return []
        prefix = self.code_prefix = map_layers.common_prefix(self.codes)
        found = []
        for row in np.flatnonzero(fits):
            words = self.codes[row][len(prefix) :] + (f"\n{leaders[row]}" if leaders[row] else "")
            found.append(Label(self.cells.geometry.iloc[row], words, 4.5, 9.0))
        return found

    def _draw_north_arrow(self, axes: Axes) -> None:
        """Draw an arrow to true north, which differs from the grid's by the convergence of the meridians."""
        per_mm = self.scale / 1000
        _, _, east, north = self.map_extent.bounds
        foot = np.array([east - 12 * per_mm, north - 24 * per_mm])
        angle = mpl_style.true_north_angle(self.crs, self.centre)
        mpl_style.draw_north_arrow(axes, foot, angle, per_mm, self.words["north"], zorder=12)

    def _draw_sidebar(self, axes: Axes) -> None:
        sidebar = mpl_style.Sidebar(axes, _SIDEBAR)
        sidebar.heading(self.title)
        day = (self.print_map.date or datetime.date.today()).isoformat()
        sidebar.muted_line(f"{self.print_map.plan} · {day}" if self.print_map.plan else day)
        if self.print_map.synthetic:
            sidebar.muted_line(self.words["synthetic"], colour="#A65E00")
        sidebar.rule()
        total_area_m2 = float(np.nansum(area_m2(map_layers.as_lonlat(self.print_map.cells, "cells"))))
        figures = [
            (self.words["cells"], f"{len(self.cells):,}"),
            (self.words["total_area"], format_quantity(total_area_m2, Quantity.area)),
        ]
        figures += [
            (each.label(self.print_map.language), f"{self.cells[each.key].sum():,.0f}")
            for each in MEASURES.values()
            if each.is_headline_total
            and each.quantity is not Quantity.area
            and each.key in self.cells
            and pd.api.types.is_numeric_dtype(self.cells[each.key])
        ]
        figures.append(
            (self.words["gaps"], "—" if self.print_map.gaps is None else f"{len(self.print_map.gaps):,}")
        )
        sidebar.key_figures(figures)
        sidebar.rule()
        sidebar.section_title(self.words["legend"])
        self._draw_legend(sidebar)
        sidebar.rule()
        self._draw_footer(sidebar)

    def _draw_legend(self, sidebar: mpl_style.Sidebar) -> None:
        if self.values is None:
            sidebar.swatches(TOL_BRIGHT, self.words["neighbours"], alpha=0.3)
        else:
            name = str(self.print_map.measure)
            sidebar.text_line(map_layers.measure_label(name, self.print_map.language))
            sidebar.muted_line(f"{self.words['method']}  {self.words[self.print_map.method]}")
            for tint, ends in zip(sample_ramp(len(self.ranges)), self.ranges, strict=True):
                low, high = (measure_of_column(name).format(value) for value in ends)
                text = low if low == high else f"{low} – {high}"
                sidebar.swatch(Rectangle, text, facecolor=tint, alpha=0.85)
            if not np.isfinite(self.values).all():
                sidebar.swatch(Rectangle, self.words["no_data"], facecolor=TOL_GREY, alpha=0.5)
        sidebar.line_swatch(self.words["border"], self.border[0], max(self.border[1], 0.3))
        if self.print_map.units is not None:
            sidebar.line_swatch(self.words["unit_border"], _MUTED_COLOUR, 0.3)
        if self.print_map.areas is not None:
            sidebar.line_swatch(self.words["area_border"], _LINE_COLOUR, 1.4)
        if self.print_map.highlight is not None:
            sidebar.swatch(Rectangle, self.words["highlight"], facecolor=_HIGHLIGHT_COLOUR, alpha=0.4)
        if self.print_map.gaps is not None and len(self.print_map.gaps):
            draw_gap_legend(sidebar, self.print_map.gaps, self.words, self.print_map.language)
        gaps, analysis, language = self.print_map.gaps, self.print_map.gap_analysis, self.print_map.language
        for line in analysis_lines(gaps, analysis, self.words, language):
            sidebar.muted_line(line)
        kinds = kind_labels(self.print_map.language)
        for name, count, (marker, tint) in zip(
            self.print_map.layers, self.entity_counts, _MARKERS, strict=False
        ):
            label = kinds.get(name) or field_label(name, self.print_map.language)
            sidebar.marker_swatch(f"{label}  {count:,}", marker, tint)

    def _draw_footer(self, sidebar: mpl_style.Sidebar) -> None:
        sidebar.scale_bar(self.scale)
        sidebar.muted_line(f"1 : {self.scale:,.0f}  (A3)")
        if self.code_prefix:
            sidebar.muted_line(self.words["codes_begin"].format(code=self.code_prefix))
        if "leader" in self.cells and self.code_prefix:
            sidebar.muted_line(self.words["leader"])
        sidebar.muted_line(f"{self.words['projection']}  {self.crs.name}")
        sidebar.muted_line(f"{self.words['printed']}  {datetime.date.today().isoformat()}")
