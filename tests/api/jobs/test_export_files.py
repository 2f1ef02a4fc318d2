"""Files of exports: when they are over."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from api.jobs import export_files

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
