"""The style of the base map and the areas, in MapLibre's style language."""

from typing import Any

FONTS = ("Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", "sans-serif")
"""Font families of the machine that shows the map: no glyphs are fetched."""

STYLES = ("calm",)

_LAND, _WATER, _GREEN, _BUILDING = "#f6f4ef", "#c3d9e6", "#dcead0", "#e6e1d8"
_ROAD, _ROAD_CASING, _RAIL, _BORDER, _TEXT = "#ffffff", "#dcd6ca", "#bdb8b0", "#3d4a63", "#2c3648"
_WATER_TEXT, _GREEN_TEXT, _ROAD_TEXT = "#5f87a1", "#6d8a58", "#8b857a"

_MAJOR = ("motorway", "trunk", "primary", "main")
_MIDDLE = ("secondary", "tertiary")
_PATHS = ("footway", "path", "steps", "cycleway", "track", "corridor")

StyleLayer = dict[str, Any]


def build_style(name: str, root: str) -> dict[str, Any]:
    """Return a style.

    Parameters
    ----------
    name
        One of `STYLES`.
    root
        The address of the service, ending in a slash.

    Raises
    ------
    KeyError
        If there is no such style.
    """
    layers = {"calm": _calm_layers}[name]()
    return {
        "version": 8,
        "name": name,
        "sources": {
            source: {"type": "vector", "url": f"{root}tiles/{source}.json"} for source in ("base", "areas")
        },
        "layers": layers,
    }


def _calm_layers() -> list[StyleLayer]:
    return [
        {"id": "land", "type": "background", "paint": {"background-color": _LAND}},
        _fill("green", _GREEN),
        _fill("water", _WATER),
        _line("water", "brook", _WATER, [(10, 0.6), (16, 3.0)]),
        {
            **_fill("buildings", _BUILDING),
            "minzoom": 14,
            "paint": {"fill-color": _BUILDING, "fill-opacity": _by_zoom([(14, 0.0), (15, 1.0)])},
        },
        _line("railway", "railway", _RAIL, [(9, 0.6), (16, 2.4)], dashes=[3, 2]),
        _road("path", _PATHS, [(15, 0.6), (18, 2.0)], _ROAD_CASING, dashes=[2, 1.5]),
        *_road_with_casing("lane", None, [(13, 0.6), (15, 2.6), (18, 12.0)]),
        *_road_with_casing("middle", _MIDDLE, [(10, 0.5), (13, 1.8), (15, 4.5), (18, 18.0)]),
        *_road_with_casing("major", _MAJOR, [(8, 0.6), (12, 2.0), (15, 6.5), (18, 24.0)]),
        _border("area-borders", [">", ["get", "depth"], 2], 1.0, 0.8),
        _border("area-borders-2", ["==", ["get", "depth"], 2], 1.2, 0.8),
        _border("area-borders-1", ["==", ["get", "depth"], 1], 2.0, 0.95),
        _border("area-borders-0", ["==", ["get", "depth"], 0], 2.8, 0.95),
        _label("road-names", "base", "roads", _ROAD_TEXT, 11, minzoom=14, line=True),
        _label("water-names", "base", "water", _WATER_TEXT, 12, minzoom=12),
        _label("green-names", "base", "green", _GREEN_TEXT, 11, minzoom=14),
        _area_names(),
    ]


def _fill(kind: str, colour: str) -> StyleLayer:
    return {
        "id": kind,
        "type": "fill",
        "source": "base",
        "source-layer": kind,
        "filter": ["==", ["geometry-type"], "Polygon"],
        "paint": {"fill-color": colour},
    }


def _line(
    kind: str,
    identity: str,
    colour: str,
    widths: list[tuple[float, float]],
    dashes: list[float] | None = None,
) -> StyleLayer:
    paint = {"line-color": colour, "line-width": _by_zoom(widths)}
    return {
        "id": identity,
        "type": "line",
        "source": "base",
        "source-layer": kind,
        "filter": ["==", ["geometry-type"], "LineString"],
        "layout": {"line-join": "round"},
        "paint": paint if dashes is None else {**paint, "line-dasharray": dashes},
    }


def _border(identity: str, expression: list[Any], width: float, opacity: float) -> StyleLayer:
    """Draw the borders of some depths in a layer of their own, so that higher areas are drawn on top."""
    # Constants, because values by feature are slow to draw; no round joins, which are invisible on thin lines
    # and cost as much as the lines.
    return {
        "id": identity,
        "type": "line",
        "source": "areas",
        "source-layer": "area_borders",
        "filter": expression,
        "paint": {"line-color": _BORDER, "line-opacity": opacity, "line-width": width},
    }


def _road(
    identity: str,
    classes: tuple[str, ...] | None,
    widths: list[tuple[float, float]],
    colour: str,
    dashes: list[float] | None = None,
) -> StyleLayer:
    others = [*_MAJOR, *_MIDDLE, *_PATHS]
    in_classes = [
        "in",
        ["coalesce", ["get", "class"], ""],
        ["literal", others if classes is None else [*classes]],
    ]
    layer = _line("roads", f"road-{identity}", colour, widths, dashes)
    layer["filter"] = ["!", in_classes] if classes is None else in_classes
    layer["layout"] = {"line-join": "round", "line-cap": "butt" if dashes else "round"}
    return layer


def _road_with_casing(
    identity: str, classes: tuple[str, ...] | None, widths: list[tuple[float, float]]
) -> tuple[StyleLayer, StyleLayer]:
    """Draw an edge, and the road on it."""
    wider = [(zoom, width + 1.4) for zoom, width in widths]
    return _road(f"{identity}-edge", classes, wider, _ROAD_CASING), _road(identity, classes, widths, _ROAD)


def _label(
    identity: str, source: str, layer: str, colour: str, size: float, *, minzoom: int, line: bool = False
) -> StyleLayer:
    layout: dict[str, Any] = {
        "text-field": ["get", "name"],
        "text-font": list(FONTS),
        "text-size": size,
        "text-max-width": 8,
        "text-padding": 8,
    }
    if line:
        layout |= {"symbol-placement": "line", "symbol-spacing": 320}
    return {
        "id": identity,
        "type": "symbol",
        "source": source,
        "source-layer": layer,
        "minzoom": minzoom,
        "layout": layout,
        "paint": {"text-color": colour, "text-halo-color": _LAND, "text-halo-width": 1.4},
    }


def _area_names() -> StyleLayer:
    """Draw each name while its area is wider than the name and not much wider than the map."""
    layer = _label("area-names", "areas", "area_labels", _TEXT, 13, minzoom=0)
    fits = [">=", ["+", ["zoom"], 0.5], ["get", "zoom"]]
    layer["filter"] = ["all", fits, ["<", ["zoom"], ["+", ["get", "zoom"], 4.5]]]
    layer["layout"] |= {"symbol-sort-key": ["get", "depth"], "text-padding": 12}
    layer["layout"]["text-size"] = ["match", ["get", "depth"], 0, 16, 1, 14, 12]
    return layer


def _by_zoom(stops: list[tuple[float, float]]) -> list[Any]:
    return ["interpolate", ["linear"], ["zoom"], *(number for stop in stops for number in stop)]
