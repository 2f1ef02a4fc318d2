"""What cannot be written is told in plain words, and leaves nothing behind."""

import errno
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from gis.crs import LONLAT
from gis.errors import InputError
from layers.formats import write_layer
from layers.formats.write_batches import GEOMETRY_COLUMN, write_batches
from layers.formats.write_failures import os_reason, write_failure

SUFFIXES = [".gpkg", ".geojson", ".fgb", ".shp", ".csv", ".parquet"]
COUNT = 6_000
NAMES = [f"{number}-{number**7}" for number in range(COUNT)]
POINTS = shapely.points(np.linspace(1, 2, COUNT), np.linspace(3, 4, COUNT))


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """Let no file become larger, as a full disk does."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("in_batches", [False, True])
def test_a_file_that_is_cut_short_is_an_error(tmp_path: Path, suffix: str, in_batches: bool) -> None:
    path = tmp_path / f"a{suffix}"
    frame = gpd.GeoDataFrame({"name": NAMES}, geometry=POINTS, crs=LONLAT)
    schema = pa.schema([("name", pa.string()), (GEOMETRY_COLUMN, pa.binary())])
    arrays = [pa.array(NAMES), pa.array(shapely.to_wkb(POINTS), pa.binary())]
    parts = [[each.slice(first, 1_000) for each in arrays] for first in range(0, COUNT, 1_000)]
    batches = [pa.record_batch(part, schema=schema) for part in parts]
    write = (
        partial(write_batches, path, schema, batches, "a", points=True)
        if in_batches
        else partial(write_layer, path, frame)
    )
    with files_end_at(50_000), pytest.raises(InputError) as caught:
        write()
    assert str(caught.value) == f"{path} cannot be written: no file may be that large here."
    assert list(tmp_path.iterdir()) == []


def test_what_a_format_cannot_hold_is_said(tmp_path: Path) -> None:
    wide = pd.DataFrame({f"c{number}": [1] for number in range(2_100)})
    for path, frame, said in (
        (
            tmp_path / "a.gpkg",
            gpd.GeoDataFrame(wide, geometry=[POINTS[0]], crs=LONLAT),
            "does not hold so many",
        ),
        (
            tmp_path / "a.shp",
            gpd.GeoDataFrame(wide, geometry=[POINTS[0]], crs=LONLAT),
            "does not hold so many",
        ),
        (
            tmp_path / "b.shp",
            gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.GeometryCollection(list(POINTS[:2]))], crs=LONLAT),
            "Shapefile holds no Geometry Collection",
        ),
    ):
        with pytest.raises(InputError, match=said):
            write_layer(path, frame)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no space is left on the disk"),
        (
            OSError("Error writing. Detail: [errno 28] No space left on device"),
            "no space is left on the disk",
        ),
        (OSError(errno.EROFS, "Read-only file system"), "the disk is read-only"),
        (OSError(errno.EACCES, "Permission denied"), "you may not write there"),
        (OSError(errno.EMFILE, "Too many open files"), "too many open files"),
    ],
)
def test_what_the_system_refuses_is_said(error: OSError, said: str) -> None:
    assert os_reason(error) == said


def test_a_full_disk_that_has_room_again_is_known_by_the_words_of_sqlite(tmp_path: Path) -> None:
    error = RuntimeError("sqlite3_exec(ROLLBACK) failed: cannot rollback - no transaction is active")
    said = write_failure(Path("a.gpkg"), tmp_path / "a.gpkg", "GeoPackage", error)
    assert str(said) == "a.gpkg cannot be written: no space is left on the disk."
