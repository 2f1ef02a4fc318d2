"""Reading comma-, semicolon- or tab-separated text, with coordinates or WKT."""

import warnings
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.crs import LONLAT
from gis.errors import InputError

LON_NAMES = ("lon", "lng", "long", "longitude", "经度", "x")
LAT_NAMES = ("lat", "latitude", "纬度", "y")
WKT_NAMES = ("geometry", "wkt", "geom", "the_geom", "wkt_geom")

# Spreadsheets on Chinese Windows write the second; UTF-16 is what they call Unicode text.
_ENCODINGS = ("utf-8-sig", "gb18030")
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# Numbers in the spelling that they have when written back; "007" and "1e5" stay text.
_INTEGER = r"-?(?:0|[1-9]\d{0,14})"
_DECIMAL = r"-?(?:0|[1-9]\d*)\.\d+"


def read_delimited_table(path: Path) -> pd.DataFrame:
    """Read a delimited text file as a table; columns of plainly written numbers become numbers.

    Parameters
    ----------
    path
        UTF-8 or GB 18030 text with a header line.

    Raises
    ------
    InputError
        If the text cannot be decoded or split into columns, or holds no records.
    """
    return _convert_numbers(_read_text_table(path))


def read_delimited(
    path: Path, lon_field: str | None = None, lat_field: str | None = None
) -> gpd.GeoDataFrame:
    """Read a delimited text file with coordinates.

    Parameters
    ----------
    path
        UTF-8 or GB 18030 text with a header line.
    lon_field, lat_field
        The coordinate columns; found by their usual names when not given.

    Returns
    -------
    GeoDataFrame
        EPSG:4326 points from a longitude and a latitude column, or geometries from a WKT column; all columns
        kept. A blank coordinate gives no geometry, an invalid number gives a point at NaN.

    Raises
    ------
    InputError
        If the text cannot be decoded or split into columns, or has no coordinates.
    """
    return _with_geometry(path, read_delimited_table(path), lon_field, lat_field, 0)


class Chunks(NamedTuple):
    """A delimited file as a stream: its number of records, and the frame of `read_delimited` in parts.

    The coordinate columns are left out: the geometry has their values.
    """

    total: int
    stream: Generator[gpd.GeoDataFrame, None, None]


def read_delimited_chunks(path: Path, lon_field: str | None, lat_field: str | None, size: int) -> Chunks:
    """Read a delimited text file with coordinates in chunks.

    The file is read twice: first to find its encoding and the columns that hold only numbers, which a single
    record can decide, then for its records.

    Parameters
    ----------
    path, lon_field, lat_field
        As for `read_delimited`.
    size
        Records of a chunk.

    Raises
    ------
    InputError
        As `read_delimited` raises, here or while reading.
    """
    for encoding in _candidate_encodings(path):
        try:
            total, numbers = _scan_columns(path, encoding, size)
        except UnicodeDecodeError:
            continue

        def stream(
            encoding: str = encoding, numbers: Sequence[str] = numbers
        ) -> Generator[gpd.GeoDataFrame, None, None]:
            first = 0
            for text in _read_text_chunks(path, encoding, size):
                table = text.reset_index(drop=True).assign(
                    **{name: pd.to_numeric(text[name]).to_numpy() for name in numbers}
                )
                frame = _with_geometry(path, table, lon_field, lat_field, first)
                spent = [name for name in _coordinate_columns(table, lon_field, lat_field) if name in frame]
                yield frame.drop(columns=spent)
                first += len(table)

        return Chunks(total, stream())
    raise _encoding_error(path)


def _scan_columns(path: Path, encoding: str, size: int) -> tuple[int, list[str]]:
    """Count the records and find the columns of plainly written numbers."""
    total = 0
    numbers: list[str] | None = None
    for table in _read_text_chunks(path, encoding, size):
        candidates = list(table.columns) if numbers is None else numbers
        numbers = [name for name in candidates if _is_plain_number(table[name])]
        total += len(table)
    return total, numbers or []


def _with_geometry(
    path: Path, table: pd.DataFrame, lon_field: str | None, lat_field: str | None, first: int
) -> gpd.GeoDataFrame:
    columns = ", ".join(map(str, table.columns))
    for field in (lon_field, lat_field):
        if field is not None and field not in table.columns:
            raise InputError(f"{path} has no column '{field}' (columns: {columns}).")
    if pair := _coordinate_columns(table, lon_field, lat_field):
        points = _points(*(table[name] for name in pair))
        table = table.rename(columns={"geometry": "geometry_text"})
        return gpd.GeoDataFrame(table, geometry=points, crs=LONLAT)
    wkt_name = _find_column(table, WKT_NAMES)
    if wkt_name is None:
        raise InputError(
            f"{path} has no coordinates: no columns lon and lat and no WKT column; name them with "
            f"--lon-field and --lat-field (columns: {columns})."
        )
    geometries = _parse_wkt(path, table[wkt_name], first)
    return gpd.GeoDataFrame(table.drop(columns=wkt_name), geometry=geometries, crs=LONLAT)


def _read_text_table(path: Path) -> pd.DataFrame:
    for encoding in _candidate_encodings(path):
        try:
            return pd.concat(list(_read_text_chunks(path, encoding, None)), ignore_index=True)
        except UnicodeDecodeError:
            continue
    raise _encoding_error(path)


def _read_text_chunks(path: Path, encoding: str, size: int | None) -> Iterator[pd.DataFrame]:
    """Read text in chunks of `size` records, or in one."""
    try:
        with path.open(encoding=encoding) as file:
            header = file.readline()
        if not header.strip():
            raise InputError(f"{path} begins with a blank line; the first line must name the columns.")
        delimiter = max(",;\t|", key=header.count)
        records = 0
        with warnings.catch_warnings():
            # pandas only warns where fields would be lost; for us that is an error.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            with pd.read_csv(
                path,
                sep=delimiter,
                encoding=encoding,
                dtype=str,
                keep_default_na=False,
                na_values=[""],
                index_col=False,
                iterator=True,
                chunksize=size,
            ) as tables:
                for table in tables:
                    table.columns = [str(name).strip() for name in table.columns]
                    records += len(table)
                    yield table
    except UnicodeDecodeError:
        raise
    except pd.errors.ParserWarning as error:
        raise InputError(
            f"{path} cannot be read as CSV: records have more fields than the header."
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise InputError(f"{path} cannot be read as CSV: {str(error).strip().splitlines()[-1]}") from error
    if not records:
        raise InputError(f"{path} holds no records.")


def _candidate_encodings(path: Path) -> Sequence[str]:
    with path.open("rb") as start:
        return ("utf-16",) if start.read(2) in _UTF16_BOMS else _ENCODINGS


def _encoding_error(path: Path) -> InputError:
    return InputError(f"{path} is not text in UTF-8, UTF-16 or GB 18030; save it as UTF-8.")


def _convert_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Convert columns of plainly written numbers to numbers; identifiers such as 007 stay text."""
    numbers = [name for name in table.columns if _is_plain_number(table[name])]
    return table.assign(**{name: pd.to_numeric(table[name]) for name in numbers})


def _is_plain_number(column: pd.Series) -> bool:
    return not column.isna().any() and bool(column.str.fullmatch(f"{_INTEGER}|{_DECIMAL}").all())


def _coordinate_columns(table: pd.DataFrame, lon_field: str | None, lat_field: str | None) -> list[str]:
    """Return the columns of longitude and latitude, or none if one is missing."""
    pair = (lon_field or _find_column(table, LON_NAMES), lat_field or _find_column(table, LAT_NAMES))
    return [name for name in pair if name is not None] if None not in pair else []


def _find_column(table: pd.DataFrame, names: Sequence[str]) -> str | None:
    lower = {str(name).lower(): str(name) for name in reversed(table.columns)}
    return next((lower[name] for name in names if name in lower), None)


def _points(lon_text: pd.Series, lat_text: pd.Series) -> np.ndarray:
    blank = (lon_text.isna() | lat_text.isna()).to_numpy()
    lon, lat = _parse_numbers(lon_text), _parse_numbers(lat_text)
    points = np.asarray(shapely.points(lon, lat), dtype=object)
    points[blank] = None
    return points


def _parse_numbers(column: pd.Series) -> np.ndarray:
    """Return numbers, also with a decimal comma, and NaN for other text."""
    if pd.api.types.is_string_dtype(column):
        column = column.str.replace(r"^(\s*-?\d+),(\d+\s*)$", r"\1.\2", regex=True)
    numbers: np.ndarray = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return numbers


def _parse_wkt(path: Path, text: pd.Series, first: int) -> np.ndarray:
    values = text.astype(str).astype(object).where(text.notna(), None).to_numpy()
    geometries = shapely.from_wkt(values, on_invalid="ignore")
    bad = np.flatnonzero(shapely.is_missing(geometries) & text.notna().to_numpy())
    if len(bad):
        raise InputError(f"{path}: record {first + bad[0] + 1} has a geometry that is not WKT.")
    return np.asarray(geometries, dtype=object)
