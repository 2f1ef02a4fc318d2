"""Files of exports and uploads: when they are over, and who may read them."""

import io
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from api.jobs import export_files
from api.jobs.uploads import store_upload, upload_path

WRITTEN, KEPT_S = 1_000_000_000, 3600


@pytest.mark.parametrize(("age_s", "is_there"), [(KEPT_S, True), (KEPT_S + 1, False)])
def test_a_file_is_removed_when_it_is_older_than_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age_s: int, is_there: bool
) -> None:
    parameters = {"layer": "cells", "format": "geojson", "place": "a"}
    path = export_files.export_path(tmp_path, parameters)
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    os.utime(path.parent, (WRITTEN, WRITTEN))
    monkeypatch.setattr(export_files, "time", SimpleNamespace(time=lambda: float(WRITTEN + age_s)))
    export_files.remove_expired(tmp_path, KEPT_S)
    assert path.exists() == is_there


def test_an_upload_is_for_the_service_alone_and_replaces_nothing(tmp_path: Path) -> None:
    path = upload_path(tmp_path, "my file.CSV")
    assert store_upload(io.BytesIO(b"id"), path).path.read_bytes() == b"id"
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        store_upload(io.BytesIO(b"other"), path)
    assert path.read_bytes() == b"id"
