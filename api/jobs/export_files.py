"""The files of exports: written by a job, each into a folder of its own, kept for a while, then removed."""

import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from layers.db.bbox import Box
from layers.db.database import Database
from layers.exports.export_layer import Filters, export_layer

_FOLDER = "exports"
_SHAPEFILE = ".shp"


class Form(NamedTuple):
    """A form in which a layer is exported: the extension of its file and its media type."""

    suffix: str
    media_type: str


FORMS: Mapping[str, Form] = {
    "gpkg": Form(".gpkg", "application/geopackage+sqlite3"),
    "geojson": Form(".geojson", "application/geo+json"),
    "parquet": Form(".parquet", "application/vnd.apache.parquet"),
    "fgb": Form(".fgb", "application/flatgeobuf"),
    "csv": Form(".csv", "text/csv; charset=utf-8"),
    "shp": Form(".zip", "application/zip"),
}
"""The forms by the names that callers use; the parts of a Shapefile come in one archive."""


def new_place() -> str:
    """Return a name for the folder of one export, which nobody guesses."""
    return secrets.token_hex(16)


def file_of(uploads: Path, parameters: Mapping[str, Any]) -> Path:
    """Return where the file of an export is, or will be.

    Parameters
    ----------
    uploads
        The folder of files that come and go.
    parameters
        Of the job: `place`, `layer` and `format`.
    """
    name = f"{parameters['layer']}{FORMS[parameters['format']].suffix}"
    # Only a name: a job's parameters cannot lead out of the folder.
    return uploads / _FOLDER / Path(str(parameters["place"])).name / name


def write_file(
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
    path = file_of(uploads, parameters)
    path.parent.mkdir(parents=True, mode=0o700)
    zipped = parameters["format"] == "shp"
    written = path.parent / "parts" / f"{path.stem}{_SHAPEFILE}" if zipped else path
    written.parent.mkdir(exist_ok=True)
    rows, notes = export_layer(
        database,
        written,
        parameters["layer"],
        filters=_filters(parameters),
        personal=bool(parameters["reveal"]),
        progress=progress,
    )
    if zipped:
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            for part in sorted(written.parent.iterdir()):
                archive.write(part, part.name)
        shutil.rmtree(written.parent)
    expires = datetime.now(UTC) + timedelta(seconds=kept_s)
    return {
        "rows": rows,
        "bytes": path.stat().st_size,
        "notes": notes,
        "expires_at": expires.isoformat(timespec="seconds"),
    }


def discard(uploads: Path, parameters: Mapping[str, Any]) -> None:
    """Remove what an export that came to nothing has written."""
    shutil.rmtree(file_of(uploads, parameters).parent, ignore_errors=True)


def clean(uploads: Path, kept_s: float) -> None:
    """Remove the files that have expired, whoever wrote them."""
    folder = uploads / _FOLDER
    if not folder.is_dir():
        return
    for place in folder.iterdir():
        try:
            expired = time.time() - place.stat().st_mtime > kept_s
        except FileNotFoundError:
            # Another process of the service has been here.
            continue
        if expired:
            shutil.rmtree(place, ignore_errors=True)


def _filters(parameters: Mapping[str, Any]) -> Filters:
    box, on = parameters.get("box"), parameters.get("on")
    return Filters(
        area_code=parameters.get("area_code"),
        box=None if box is None else Box(*box),
        on=None if on is None else date.fromisoformat(on),
        kind=parameters.get("kind"),
        scheme=parameters.get("scheme"),
        cell_code=parameters.get("cell"),
        severity=parameters.get("severity"),
        run=parameters.get("run"),
    )
