"""The files of the sample district: each appears whole or not at all, and a manifest tells what is in them.

It writes frames and knows no geography; `layers.sample.district` makes the frames.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio

_DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".fgb": "FlatGeobuf"}


def write_layers(path: Path, layers: Mapping[str, gpd.GeoDataFrame]) -> Path:
    """Write one or several layers (GeoPackage), or one (GeoJSON, FlatGeobuf, GeoParquet), in EPSG:4326."""
    draft = path.with_name(f".draft-{path.name}")
    draft.unlink(missing_ok=True)
    try:
        for number, (name, frame) in enumerate(layers.items()):
            if path.suffix == ".parquet":
                frame.to_parquet(draft, index=False)
                continue
            mixed = frame.geometry.geom_type.nunique(dropna=True) > 1
            options: dict[str, Any] = {"geometry_type": "Unknown"} if mixed else {}
            if path.suffix == ".geojson":
                options["COORDINATE_PRECISION"] = 7
            pyogrio.write_dataframe(
                frame, draft, layer=name, driver=_DRIVERS[path.suffix], append=number > 0, **options
            )
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def write_table(path: Path, table: pd.DataFrame) -> Path:
    """Write a table as CSV in UTF-8."""
    return write_text(path, table.to_csv(index=False, lineterminator="\n"))


def write_manifest(path: Path, content: Mapping[str, Any]) -> Path:
    """Write the manifest as JSON."""
    return write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def write_text(path: Path, text: str) -> Path:
    """Write a text file in UTF-8."""
    draft = path.with_name(f".draft-{path.name}")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path
