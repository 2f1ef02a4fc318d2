"""Columns between Arrow, in which files are read and written, and pandas: each value and type as it was."""

import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

Metadata = Mapping[bytes, bytes]

_NULLABLE = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}
"""NumPy's integers know no missing value: pandas would make floats of them, which have 53 bits."""

_INT64 = range(-(2**63), 2**63)
_EXACT_FLOAT = 2**53
_DATETIME: Metadata = {b"GDAL:OGR:type": b"DateTime"}
_JSON: Metadata = {b"GDAL:OGR:subtype": b"JSON"}


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return a table as a frame: integers and booleans stay what they are where values are missing."""
    columns = [_to_series(table.column(place)) for place in range(table.num_columns)]
    frame = pd.DataFrame(dict(enumerate(columns)), index=pd.RangeIndex(table.num_rows))
    frame.columns = pd.Index(table.schema.names, dtype=object)
    return frame


def to_values(column: pa.ChunkedArray) -> list[Any]:
    """Return a column as Python objects: JSON parsed, integers beyond 64 bits with a sign as text."""
    kind = column.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    is_number = pa.types.is_signed_integer(kind) or pa.types.is_floating(kind)
    if is_text or (is_number and not column.null_count):
        # Ten times faster than `to_pylist`, and the same for these.
        exact: list[Any] = column.to_numpy().tolist()
        return exact
    values: list[Any] = column.to_pylist(maps_as_pydicts="lossy")
    if isinstance(kind, pa.JsonType):
        return [_parse_json(text) for text in values]
    if pa.types.is_uint64(kind):
        return [value if value is None or value in _INT64 else str(value) for value in values]
    return values


def _to_series(column: pa.ChunkedArray) -> "pd.Series[Any]":
    kind = column.type
    if kind in _NULLABLE and column.null_count:
        exact: pd.Series[Any] = column.to_pandas(types_mapper=_NULLABLE.get)
        return exact
    if isinstance(kind, pa.JsonType) or pa.types.is_nested(kind):
        # NumPy arrays within a column compare element by element.
        return pd.Series(to_values(column), dtype=object)
    series: pd.Series[Any] = column.to_pandas()
    return series


def _parse_json(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def to_datetimes(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """Parse ISO 8601; different offsets from UTC are kept, and the texts where one is no such date."""
    try:
        return pd.to_datetime(texts, format="ISO8601").dt.as_unit("ms")
    except (ValueError, OverflowError):
        pass
    try:
        return texts.astype(object).map(datetime.fromisoformat, na_action="ignore")
    except ValueError:
        return texts


def to_table(frame: pd.DataFrame) -> pa.Table:
    """Return a frame without geometry as a table of types that GDAL writes.

    Lists and mappings become JSON, marked as such where a format has it, and integers beyond 64 bits text.
    """
    arrays, fields = [], []
    for place, name in enumerate(frame.columns):
        array, metadata = _to_array(frame.iloc[:, place])
        arrays.append(array)
        fields.append(pa.field(str(name), array.type, metadata=dict(metadata)))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _to_array(column: "pd.Series[Any]") -> tuple[pa.Array, Metadata]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return _texts(column, lambda value: value.isoformat()), _DATETIME
    if column.dtype == object:
        return _objects_to_array(column)
    array = pa.Array.from_pandas(column)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    kind = array.type
    if pa.types.is_uint64(kind) or pa.types.is_uint32(kind):
        return _integers(array.to_pylist()), {}
    if pa.types.is_float16(kind):
        return array.cast(pa.float32()), {}
    if pa.types.is_null(kind):
        return array.cast(pa.string()), {}
    if pa.types.is_duration(kind) or pa.types.is_decimal(kind) or pa.types.is_interval(kind):
        return _texts(column, str), {}
    return array, {}


def _objects_to_array(column: "pd.Series[Any]") -> tuple[pa.Array, Metadata]:
    values = [None if _is_missing(value) else value for value in column]
    kinds = {type(value) for value in values if value is not None}
    if not kinds or all(issubclass(kind, str) for kind in kinds):
        return pa.array(values, pa.string()), {}
    if all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return pa.array([None if value is None else bool(value) for value in values], pa.bool_()), {}
    if all(issubclass(kind, Integral) and not issubclass(kind, bool) for kind in kinds):
        return _integers(values), {}
    if all(issubclass(kind, Real) and not issubclass(kind, bool) for kind in kinds):
        whole = (value for value in values if isinstance(value, Integral))
        if all(abs(int(value)) <= _EXACT_FLOAT for value in whole):
            return pa.array([None if value is None else float(value) for value in values], pa.float64()), {}
    if all(issubclass(kind, datetime) for kind in kinds):
        return _texts(values, lambda value: value.isoformat()), _DATETIME
    if all(issubclass(kind, date) and not issubclass(kind, datetime) for kind in kinds):
        return pa.array(values, pa.date32()), {}
    if kinds <= {bytes}:
        return pa.array(values, pa.binary()), {}
    if all(issubclass(kind, list | tuple | dict | np.ndarray) for kind in kinds):
        return _texts(values, to_json), _JSON
    return _texts(values, lambda value: value if isinstance(value, str) else to_json(value)), {}


def _integers(values: list[Any]) -> pa.Array:
    whole = [None if value is None else int(value) for value in values]
    if all(value is None or value in _INT64 for value in whole):
        return pa.array(whole, pa.int64())
    return pa.array([None if value is None else str(value) for value in whole], pa.string())


def _texts(values: Any, spell: Any) -> pa.Array:
    return pa.array([None if _is_missing(value) else spell(value) for value in values], pa.string())


def _is_missing(value: Any) -> bool:
    return (
        value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
    )


def to_json(value: Any) -> str:
    """Return a value of any kind as JSON text: mappings and lists as such, dates and the like as text."""

    def plain(other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return other.tolist()
        return other.item() if hasattr(other, "item") else str(other)

    if isinstance(value, bool | int | float | list | tuple | dict | np.ndarray | np.generic):
        return json.dumps(value, ensure_ascii=False, default=plain)
    return str(value)
