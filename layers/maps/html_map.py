"""The HTML map: a folium map with all assets and data in one document."""

import base64
import datetime
import html
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import shapely
from branca.element import Element, MacroElement
from folium.template import Template

from gis.classes import ClassificationMethod
from gis.colours import TOL_BRIGHT
from gis.crs import extent
from gis.errors import InputError
from gis.gaps import GapAnalysis
from layers.formats import write_text
from layers.maps import basemap_layers, map_layers
from layers.maps.choropleth import Classification
from layers.maps.gap_layer import LEVEL_COLOURS, analysis_lines, encode_gaps, unknown_lines
from layers.maps.labels import field_labels, kind_labels, page_labels

_ASSETS = Path(__file__).parent / "assets"
_LEAFLET = Path(__file__).parent / "vendor" / "leaflet"
_LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}
_SCRIPTS = ("store.js", "canvas.js", "panel.js", "map.js")
# No request is allowed, even if a later change or a hostile attribute tries one.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


class OfflineMap(folium.Map):
    """A folium map without tiles and without links to scripts or styles, which the document embeds."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012  folium declares it so; ours is never mutated
    default_css: list[tuple[str, str]] = []  # noqa: RUF012

    def __init__(self, centre: tuple[float, float]) -> None:
        super().__init__(
            location=list(centre),
            zoom_start=13,
            tiles=None,
            prefer_canvas=True,
            zoom_control="bottomright",
            attribution_control=False,
            fade_animation=False,
            zoom_snap=0.25,
        )
        # With a fixed identity the same input gives the same file.
        self._id = "wangge"


class _PageElement(MacroElement):
    """The data and the scripts that draw it, after folium's own script has created the map."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}{{ this.body }}{% endmacro %}
        {% macro script(this, kwargs) %}
        {{ this.scripts }}
        wangge.start({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, body: str, scripts: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name, self._id = "Page", "wangge"
        self.body, self.scripts = body, scripts


def render_html_map(
    cells: gpd.GeoDataFrame,
    *,
    areas: gpd.GeoDataFrame | None = None,
    units: gpd.GeoDataFrame | None = None,
    border: str | None = None,
    gaps: gpd.GeoDataFrame | None = None,
    gap_analysis: GapAnalysis | None = None,
    layers: Mapping[str, gpd.GeoDataFrame] | None = None,
    base: Mapping[str, gpd.GeoDataFrame] | None = None,
    measure: str | None = None,
    method: ClassificationMethod = ClassificationMethod.quantiles,
    classes: int = 5,
    title: str | None = None,
    plan: str | None = None,
    date: datetime.date | None = None,
    synthetic: bool = False,
    language: str = "zh",
) -> str:
    """Draw cells as one HTML document that loads nothing from elsewhere.

    Parameters
    ----------
    cells
        The plan: `code`, and if present `name, kind, area_code, area_m2, perimeter_m, leader` (the number or
        published name of an officer) and the measures of `gis.measures`; any other column stays out of it.
    areas
        Administrative areas: `code`, and if present `name, parent`.
    units
        The units of which the cells are made, for their borders.
    border
        Colour of the cells' borders, where a standard has one.
    gaps
        What the coverage analysis found: `kind, severity, cell_code, rule` and the sizes `area_m2,
        households, enterprises`.
    gap_analysis
        What is known of each kind of gap; None where nobody says it.
    layers
        Entities by layer name. Each is counted per cell; up to `MAX_DRAWN_ENTITIES` of a layer are also
        drawn, with `id`, `kind` and `class_name` or `class` only.
    base
        Ground to read the map by: any of green, water, buildings, railway, roads.
    measure
        Numeric column of the cells, measure of their shapes, or name of a layer, that the cells are coloured
        by at first.
    method, classes
        The classification method of the measure, and the largest number of classes.
    title
        Heading; by default "责任网格图" or "Responsibility cells".
    plan
        The name of the plan, written below the heading.
    date
        The date printed on the map; today by default.
    synthetic
        Print on the map that the data are synthetic.
    language
        ``zh`` or ``en``.

    Returns
    -------
    str
        The document. All frames may be in any CRS; drawn coordinates are rounded to 6 decimals.

    Raises
    ------
    InputError
        If there is nothing to draw, a code is missing, the measure is not a numeric column, a layer has no
        CRS, or the cells are too many for one file.
    """
    words = page_labels(language)
    cells = map_layers.as_lonlat(cells, "cells")
    if not (shapely.get_dimensions(cells.geometry.to_numpy()) == 2).any():
        raise InputError("The cells hold no polygon to draw.")
    entities = {name: map_layers.as_lonlat(frame, name) for name, frame in (layers or {}).items()}
    counts = {name: map_layers.count_per_cell(name, frame, cells) for name, frame in entities.items()}
    basemap = {name: map_layers.as_lonlat(frame, name) for name, frame in (base or {}).items()}
    cells = map_layers.with_areas(cells)
    if measure not in entities:
        cells = map_layers.with_measure(cells, measure)
    areas = None if areas is None else map_layers.as_lonlat(areas, "areas")
    units = None if units is None else map_layers.as_lonlat(units, "units")
    gaps = None if gaps is None else map_layers.as_lonlat(gaps, "gaps")
    west, _, east, _ = extent(cells)
    if west > east:
        # A map across the 180th meridian continues to the east of it.
        cells = map_layers.shift_longitude(cells)
        areas = None if areas is None else map_layers.shift_longitude(areas)
        units = None if units is None else map_layers.shift_longitude(units)
        gaps = None if gaps is None else map_layers.shift_longitude(gaps)
        entities = {name: map_layers.shift_longitude(frame) for name, frame in entities.items()}
        basemap = {name: map_layers.shift_longitude(frame) for name, frame in basemap.items()}
    heading = title or words["title"]
    data = {
        "language": language,
        "words": words,
        "kinds": kind_labels(language),
        "labels": field_labels(language),
        "palette": list(TOL_BRIGHT),
        "title": heading,
        "plan": plan or "",
        "date": (date or datetime.date.today()).isoformat(),
        "synthetic": synthetic,
        "measure": measure or "",
        "method": method.value,
        "cells": map_layers.encode_cells(cells, counts, measure, Classification(classes, method), language),
        "border": border,
        "units": None if units is None else map_layers.encode_units(units),
        "areas": None if areas is None else map_layers.encode_areas(areas),
        "gaps": None if gaps is None else encode_gaps(gaps, language),
        "severity_colours": LEVEL_COLOURS,
        "gap_notes": analysis_lines(gaps, gap_analysis, words, language),
        "gaps_unknown": unknown_lines(gaps, gap_analysis, words, language),
        "gaps_analysed": gap_analysis is not None and gap_analysis.on is not None,
        "layers": [
            map_layers.encode_entities(name, frame, language)
            for name, frame in entities.items()
            if len(frame) <= map_layers.MAX_DRAWN_ENTITIES
        ],
        "base": [
            basemap_layers.encode_basemap_layer(name, basemap[name], language)
            for name in basemap_layers.order_basemap_layers(list(basemap))
        ],
    }
    west, south, east, north = cells.total_bounds
    return _render_document(heading, language, data, ((south + north) / 2, (west + east) / 2))


def write_html_map(path: str | os.PathLike[str], cells: gpd.GeoDataFrame, **options: Any) -> None:
    """Write the map of `render_html_map` to a file, completely or not at all.

    Parameters
    ----------
    path
        The HTML file; one that exists is replaced.
    cells, options
        As for `render_html_map`.

    Raises
    ------
    InputError
        As `render_html_map`, or if the folder does not exist.
    """
    write_text(Path(path), render_html_map(cells, **options))


def _render_document(title: str, language: str, data: dict[str, Any], centre: tuple[float, float]) -> str:
    drawing = OfflineMap(centre)
    figure: Any = drawing.get_root()
    figure.title = html.escape(title)
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{_CONTENT_SECURITY_POLICY}" />\n'
        '<meta name="referrer" content="no-referrer" />\n'
        f"<script>document.documentElement.lang = '{_LANGUAGE_TAGS[language]}';</script>\n"
        f"<style>\n{_read_leaflet_style()}\n</style>\n"
        f"<script>\n{_read_leaflet_script()}\n</script>"
    )
    figure.header.add_child(Element(_escape_template(head)), name="wangge_head")
    style = (_ASSETS / "page.css").read_text(encoding="utf-8")
    body = (
        f"<style>\n{style}\n</style>\n"
        f'<script type="application/json" id="wangge-data">{_script_json(data)}</script>\n'
        + (_ASSETS / "page.html").read_text(encoding="utf-8")
    )
    scripts = "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    drawing.add_child(_PageElement(_escape_template(body), _escape_template(scripts)), name="wangge_page")
    rendered: str = figure.render()
    return rendered


def _escape_template(text: str) -> str:
    """Escape text that branca takes for a template: an element's, and again what a macro has rendered."""
    return "{% raw %}" + text + "{% endraw %}"


def _script_json(data: dict[str, Any]) -> str:
    """Return JSON that ends neither its script element nor its template, even if a name tries to."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # In JSON itself a brace never precedes one of these.
    text = re.sub(r"\{(?=[{%#])", r"\\u007b", text)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _read_leaflet_script() -> str:
    text = (_LEAFLET / "leaflet.js").read_text(encoding="utf-8")
    return re.sub(r"//# sourceMappingURL=\S+", "", text)


def _read_leaflet_style() -> str:
    """Return Leaflet's style with its images inlined, without its rules for Internet Explorer 6."""
    text = (_LEAFLET / "leaflet.css").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = text.replace("behavior: url(#default#VML);", "")

    def inline(match: re.Match[str]) -> str:
        image = (_LEAFLET / match[1]).read_bytes()
        return f"url(data:image/png;base64,{base64.b64encode(image).decode('ascii')})"

    return re.sub(r"url\((images/[\w.-]+)\)", inline, text)
