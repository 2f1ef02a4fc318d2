"""Files that callers upload: stored under a name of our own, and opened only in the process of a job."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gis.errors import InputError
from layers.formats.registry import READABLE_EXTENSIONS, WORKBOOK

_CHUNK_BYTES = 1 << 20


class StoredFile(NamedTuple):
    """A file as it was stored, and the SHA-256 of its content by which a repeated request is recognised."""

    path: Path
    sha256: str


def upload_path(uploads: Path, file_name: str | None, *, as_table: bool = False) -> Path:
    """Return a new path for an uploaded file, of which only the extension is kept.

    A workbook is taken where a table is wanted.

    Raises
    ------
    InputError
        If no format is known by the extension.
    """
    suffix = Path(file_name or "").suffix.lower()
    known = (*READABLE_EXTENSIONS, *(WORKBOOK.suffixes if as_table else ()))
    if suffix not in known or suffix == ".shp":
        raise InputError(f"The file's extension is none of {', '.join(known)}; a Shapefile comes as .zip.")
    return uploads / (secrets.token_hex(16) + suffix)


def store_upload(source: BinaryIO, path: Path) -> StoredFile:
    """Copy an uploaded file to a path that does not exist yet; only its owner may read it."""
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as target:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            target.write(chunk)
    return StoredFile(path, digest.hexdigest())
