"""Delimited text as frames: columns of numbers and text, and geometry from coordinates or WKT."""

from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from gis.arrays import FloatArray, ObjectArray
from gis.crs import LONLAT
from gis.errors import InputError
from gis.progress import Note, no_note
from layers.fields.columns import free_name
from layers.formats.arrow_columns import to_frame
from layers.formats.coordinates import WKT_NAMES, CombinedColumn, find_named, find_pair, parse_axis
from layers.formats.delimited import DelimitedText, open_delimited, restore_text

# Numbers in the spelling that they have when written back; "007" and "1e5" stay text.
_INTEGER = r"-?(?:0|[1-9]\d{0,14})"
_DECIMAL = r"-?(?:0|[1-9]\d*)\.\d+|-?\d(?:\.\d+)?e[+-]\d{2,3}"
_TYPES = {
    pa.int64(): f"^(?:{_INTEGER})$",
    pa.float64(): f"^(?:{_INTEGER}|{_DECIMAL})$",
    pa.bool_(): "^(?:True|False)$",
}
"""Types that a column of text may become, the narrower first, with what all its values look like then."""

# What a spreadsheet makes of a code with more digits than it shows.
_SHORTENED = r"^\d(?:[.,]\d{1,5})?E\+(?:1[1-9]|2\d)$"
_TABLE_RECORDS = 10_000
_AS_TEXT = b"text"


class DelimitedOptions(NamedTuple):
    """How a delimited text is to be read.

    Attributes
    ----------
    lon_field, lat_field
        The coordinate columns; found by their usual names when not given. One column may be both.
    encoding
        Of the text; found by its bytes when not given.
    note
        Called with a sentence about each thing that was assumed.
    """

    lon_field: str | None = None
    lat_field: str | None = None
    encoding: str | None = None
    note: Note = no_note


class Chunks(NamedTuple):
    """A delimited file as a stream: its number of records, and the frame of `read_delimited` in parts.

    The coordinate columns are left out: the geometry has their values.
    """

    total: int
    stream: Generator[gpd.GeoDataFrame, None, None]


def read_delimited_table(path: Path, options: DelimitedOptions) -> pd.DataFrame:
    """Read a delimited text file as a table; columns of plainly written numbers become numbers.

    Raises
    ------
    InputError
        If the text cannot be decoded or divided into records, or holds none.
    """
    text = open_delimited(path, str(path), encoding=options.encoding, note=options.note)
    survey = _Survey(text, options, with_geometry=False)
    tables = [*survey.read(_TABLE_RECORDS)]
    survey.conclude()
    return survey.convert(pa.concat_tables(tables))


def read_delimited(path: Path, options: DelimitedOptions) -> gpd.GeoDataFrame:
    """Read a delimited text file with coordinates.

    Returns
    -------
    GeoDataFrame
        EPSG:4326 points from columns of longitude and latitude, or from one that has both, or geometries
        from a WKT column; all columns kept but WKT. A blank coordinate gives no geometry, an invalid number
        gives a point at NaN.

    Raises
    ------
    InputError
        If the text cannot be decoded or divided into records, holds none, or has no coordinates.
    """
    text = open_delimited(path, str(path), encoding=options.encoding, note=options.note)
    survey = _Survey(text, options)
    tables = [*survey.read(_TABLE_RECORDS)]
    survey.conclude()
    table = pa.concat_tables(tables)
    kept = survey.convert(table).drop(columns=survey.wkt_columns)
    return _with_geometry(kept, survey.parse_geometries(table, 0))


def read_delimited_chunks(path: Path, options: DelimitedOptions, size: int) -> Chunks:
    """Read a delimited text file with coordinates in chunks.

    The file is read twice: first for what a single record can decide, such as the columns that hold only
    numbers, then for its records.

    Parameters
    ----------
    path, options
        As for `read_delimited`.
    size
        Records of a chunk.

    Raises
    ------
    InputError
        As `read_delimited` raises, here or while reading.
    """
    text = open_delimited(path, str(path), encoding=options.encoding, note=options.note)
    survey = _Survey(text, options)
    for _ in survey.read(size):
        pass
    survey.conclude()

    def stream() -> Generator[gpd.GeoDataFrame, None, None]:
        first = 0
        for table in _text_tables(text, survey.names, size):
            geometries = survey.parse_geometries(table, first)
            kept = survey.convert(table).drop(columns=survey.geometry_columns)
            yield _with_geometry(kept, geometries)
            first += len(table)

    return Chunks(survey.total, stream())


def _with_geometry(table: pd.DataFrame, geometries: ObjectArray) -> gpd.GeoDataFrame:
    if "geometry" in table:
        table = table.rename(columns={"geometry": free_name("geometry_text", table.columns)})
    return gpd.GeoDataFrame(table, geometry=geometries, crs=LONLAT)


class _Survey:
    """What only all records of a text tell: types of columns, and where the coordinates are."""

    def __init__(self, text: DelimitedText, options: DelimitedOptions, *, with_geometry: bool = True) -> None:
        self.total = 0
        self.names = _unique_names(text.header)
        self._text, self._options = text, options
        self._types = {name: dict(_TYPES) for name in self.names}
        self._blank = set(self.names)
        self._unnamed = {name for name, written in zip(self.names, text.header, strict=True) if not written}
        self._shortened: dict[str, str] = {}
        self._pair: tuple[str, str] | None = None
        self._wkt: str | None = None
        self._combined: CombinedColumn | None = None
        if with_geometry:
            self._find_geometry()

    @property
    def wkt_columns(self) -> list[str]:
        """The column that the geometry replaces."""
        return [] if self._wkt is None else [self._wkt]

    @property
    def geometry_columns(self) -> list[str]:
        """The columns whose values the geometry has."""
        if self._pair is not None:
            return list(dict.fromkeys(self._pair))
        return self.wkt_columns if self._combined is None else [self.names[self._combined.place]]

    def read(self, size: int) -> Iterator[pa.Table]:
        """Yield all records as text, and learn from them."""
        for table in _text_tables(self._text, self.names, size):
            self._learn(table)
            yield table

    def conclude(self) -> None:
        """Judge what has been learned.

        Raises
        ------
        InputError
            If there are no records, or what was taken for coordinates is none.
        """
        name = self._text.name
        if not self.total:
            raise InputError(f"{name} holds no records.")
        if self._combined is not None and not self._combined.is_plausible:
            raise self._no_coordinates()
        if self._combined is not None and not any(self._combined.votes.values()):
            order = "longitude, latitude" if self._combined.first == "lon" else "latitude, longitude"
            self._options.note(f"{name}: '{self.names[self._combined.place]}' is read as {order}")
        for column, value in self._shortened.items():
            self._options.note(
                f"{name}: '{column}' has values such as {value}, which a spreadsheet made of longer numbers; "
                "their last digits are lost. Export the column again as text"
            )

    def convert(self, table: pa.Table) -> pd.DataFrame:
        """Return records with their types, without columns that have neither name nor values."""
        columns = {}
        for name in self.names:
            kinds = () if name in self._blank else self._types[name]
            if name not in self._blank or name not in self._unnamed:
                columns[name] = table[name].cast(next(iter(kinds), pa.string()))
        return to_frame(pa.table(columns))

    def parse_geometries(self, table: pa.Table, first: int) -> ObjectArray:
        """Return the geometries of records that begin with number `first`."""
        if self._wkt is not None:
            return _parse_wkt(self._text.name, table[self._wkt], first)
        lon, lat = self._parse_coordinates(table)
        points = np.asarray(shapely.points(lon, lat), dtype=object)
        for name in self.geometry_columns:
            points[pc.equal(pc.utf8_trim_whitespace(pc.fill_null(table[name], "")), "").to_numpy()] = None
        return points

    def _parse_coordinates(self, table: pa.Table) -> tuple[FloatArray, FloatArray]:
        if self._pair is None:
            assert self._combined is not None
            return self._combined.parse(table[self.names[self._combined.place]].to_pylist())
        return parse_axis(table[self._pair[0]], "lon"), parse_axis(table[self._pair[1]], "lat")

    def _find_geometry(self) -> None:
        given = self._options.lon_field, self._options.lat_field
        for name in given:
            if name is not None and name not in self.names:
                raise InputError(
                    f"{self._text.name} has no column '{name}' (columns: {self._list_columns()})."
                )
        if given[0] is not None and given[0] == given[1]:
            self._combined = CombinedColumn(self.names.index(given[0]), "lon")
        elif (pair := find_pair(self.names, *given)) is not None:
            self._pair = self.names[pair[0]], self.names[pair[1]]
        elif (wkt := find_named(self.names, WKT_NAMES)) is not None:
            self._wkt = self.names[wkt]
        else:
            self._combined = CombinedColumn.find(self.names)
            if self._combined is None:
                raise self._no_coordinates()

    def _no_coordinates(self) -> InputError:
        return InputError(
            f"{self._text.name} has no coordinates: no columns lon and lat and no WKT column; name them with "
            f"--lon-field and --lat-field (columns: {self._list_columns()})."
        )

    def _list_columns(self) -> str:
        return ", ".join(name for name in self.names if name not in self._unnamed or name not in self._blank)

    def _learn(self, table: pa.Table) -> None:
        self.total += len(table)
        for name in self.names:
            column = table[name]
            if column.null_count < len(column):
                self._blank.discard(name)
            is_text = _AS_TEXT in (table.field(name).metadata or {})
            self._types[name] = {
                kind: pattern
                for kind, pattern in self._types[name].items()
                if not is_text and _all_match(column, pattern)
            }
            if not self._types[name] and name not in self._shortened:
                found = column.filter(pc.match_substring_regex(column, _SHORTENED))
                if len(found):
                    self._shortened[name] = found[0].as_py()
        if self._combined is not None:
            self._combined.learn(table[self.names[self._combined.place]].to_pylist())


def _text_tables(text: DelimitedText, names: Sequence[str], size: int) -> Iterator[pa.Table]:
    """Yield records as text, null where they are blank, without what a spreadsheet or we put around it.

    The metadata of a field tells whether a spreadsheet was to keep its values as text.
    """
    records = text.records()
    while rows := list(islice(records, size)):
        fields, columns = [], []
        for name, values in zip(names, zip(*rows, strict=True), strict=True):
            column = pa.array(values, pa.string())
            is_wrapped = pc.any(pc.starts_with(column, '="')).as_py()
            if is_wrapped or pc.any(pc.starts_with(column, "'")).as_py():
                column = pa.array(map(restore_text, values), pa.string())
            columns.append(pc.if_else(pc.equal(column, ""), None, column))
            fields.append(pa.field(name, pa.string(), metadata={_AS_TEXT: ""} if is_wrapped else None))
        yield pa.table(columns, schema=pa.schema(fields))


def _unique_names(header: Sequence[str]) -> list[str]:
    """Return names for all columns; a repeated one gets a number."""
    names: list[str] = []
    for place, written in enumerate(header, 1):
        plain = written or f"field_{place}"
        name, number = plain, 1
        while name in names or (number > 1 and name in header):
            name, number = f"{plain}.{number}", number + 1
        names.append(name)
    return names


def _all_match(column: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.fill_null(pc.match_substring_regex(column, pattern), True)).as_py())


def _parse_wkt(name: str, texts: pa.ChunkedArray, first: int) -> ObjectArray:
    geometries = shapely.from_wkt(texts.to_numpy(), on_invalid="ignore")
    bad = np.flatnonzero(shapely.is_missing(geometries) & texts.is_valid().to_numpy())
    if len(bad):
        raise InputError(f"{name}: record {first + bad[0] + 1} has a geometry that is not WKT.")
    return np.asarray(geometries, dtype=object)
