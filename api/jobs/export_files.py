"""The files of exports: each is written by a job into its own folder, kept for a while, then removed."""

import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from layers.db.bbox import BBox
from layers.db.database import Database
from layers.exports.export_layer import ExportFilters, export_layer

_FOLDER = "exports"
_SHAPEFILE_SUFFIX = ".shp"


class ExportFormat(NamedTuple):
    """A form in which a layer is exported: the extension of its file and its media type."""

    suffix: str
    media_type: str


EXPORT_FORMATS: Mapping[str, ExportFormat] = {
    "gpkg": ExportFormat(".gpkg", "application/geopackage+sqlite3"),
    "geojson": ExportFormat(".geojson", "application/geo+json"),
    "parquet": ExportFormat(".parquet", "application/vnd.apache.parquet"),
    "fgb": ExportFormat(".fgb", "application/flatgeobuf"),
    "csv": ExportFormat(".csv", "text/csv; charset=utf-8"),
    "shp": ExportFormat(".zip", "application/zip"),
}
"""The forms by the names that callers use; the parts of a Shapefile come in one archive."""


def new_folder_name() -> str:
    """Return a name for the folder of one export, which cannot be guessed."""
    return secrets.token_hex(16)


def export_path(uploads: Path, parameters: Mapping[str, Any]) -> Path:
    """Return where the file of an export is, or will be.

    Parameters
    ----------
    uploads
        The folder of files that come and go.
    parameters
        Of the job: `place`, `layer` and `format`.
    """
    name = f"{parameters['layer']}{EXPORT_FORMATS[parameters['format']].suffix}"
    # Only a name: a job's parameters cannot lead out of the folder.
    return uploads / _FOLDER / Path(str(parameters["place"])).name / name


def write_export(
    database: Database,
    uploads: Path,
    parameters: Mapping[str, Any],
    *,
    kept_s: float,
    progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Write the file of an export.

    Parameters
    ----------
    database
        Read in one state.
    uploads
        The folder of files that come and go.
    parameters
        Of the job: `place`, `layer`, `format`, `reveal`, and the filters as JSON holds them.
    kept_s
        Seconds until the file expires.
    progress
        Called with the rows written and their number.

    Returns
    -------
    dict
        rows, bytes, notes (what the format could not keep) and expires_at.

    Raises
    ------
    InputError
        If the layer or the format cannot be written so.
    NotFoundError
        If there is no such area, scheme or run.
    """
    path = export_path(uploads, parameters)
    # `mkdir` gives parents that it makes the usual rights.
    path.parent.parent.mkdir(exist_ok=True, mode=0o700)
    path.parent.mkdir(mode=0o700)
    zipped = parameters["format"] == "shp"
    layer_path = path.parent / "parts" / f"{path.stem}{_SHAPEFILE_SUFFIX}" if zipped else path
    layer_path.parent.mkdir(exist_ok=True)
    rows, notes = export_layer(
        database,
        layer_path,
        parameters["layer"],
        filters=_filters(parameters),
        personal=bool(parameters["reveal"]),
        # Jobs of an earlier version do not say it.
        language=parameters.get("language", "en"),
        progress=progress,
    )
    if zipped:
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            for part in sorted(layer_path.parent.iterdir()):
                archive.write(part, part.name)
        shutil.rmtree(layer_path.parent)
    expires = datetime.now(UTC) + timedelta(seconds=kept_s)
    return {
        "rows": rows,
        "bytes": path.stat().st_size,
        "notes": notes,
        "expires_at": expires.isoformat(timespec="seconds"),
    }


def remove_export(uploads: Path, parameters: Mapping[str, Any]) -> None:
    """Remove what a failed export has written."""
    shutil.rmtree(export_path(uploads, parameters).parent, ignore_errors=True)


def remove_expired(uploads: Path, kept_s: float) -> None:
    """Remove the files that have expired, whichever process wrote them."""
    folder = uploads / _FOLDER
    if not folder.is_dir():
        return
    for export_folder in folder.iterdir():
        try:
            expired = time.time() - export_folder.stat().st_mtime > kept_s
        except FileNotFoundError:
            # Another process of the service has been here.
            continue
        if expired:
            shutil.rmtree(export_folder, ignore_errors=True)


def _filters(parameters: Mapping[str, Any]) -> ExportFilters:
    bbox, on = parameters.get("box"), parameters.get("on")
    return ExportFilters(
        area_code=parameters.get("area_code"),
        bbox=None if bbox is None else BBox(*bbox),
        on=None if on is None else date.fromisoformat(on),
        kind=parameters.get("kind"),
        scheme=parameters.get("scheme"),
        cell_code=parameters.get("cell"),
        severity=parameters.get("severity"),
        run=parameters.get("run"),
        scope=parameters.get("scope"),
    )
