"""Columns as an Arrow IPC stream: reading those of a request, writing those of an answer."""

import struct
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.arrays import FloatArray, ObjectArray
from gis.errors import InputError, LimitError

MEDIA_TYPE = "application/vnd.apache.arrow.stream"

_ARROW_ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, struct.error)


def read_columns(body: bytes, names: Sequence[Sequence[str]], max_rows: int) -> list[FloatArray]:
    """Read columns of numbers from a stream without touching any other column.

    Parameters
    ----------
    body
        The stream, not compressed.
    names
        The names that each column may have, in lower case, the preferred one first.
    max_rows
        The most rows that are accepted.

    Returns
    -------
    list of ndarray of float
        Each of shape (n,), NaN where there is no value.

    Raises
    ------
    InputError
        If the bytes are no such stream, or lack a column of numbers.
    LimitError
        If there are more rows.
    """
    try:
        return _read(pa.py_buffer(body), names, max_rows)
    except _ARROW_ERRORS as error:
        raise InputError("The body is no Arrow stream that can be read.") from error


def _read(body: pa.Buffer, names: Sequence[Sequence[str]], max_rows: int) -> list[FloatArray]:
    # Before anything is decompressed: a few bytes may stand for gigabytes.
    if any(_is_compressed(message) for message in pa.ipc.MessageReader.open_stream(body)):
        raise InputError("The Arrow stream is compressed; send it without compression.")
    schema = pa.ipc.open_stream(body).schema
    column_numbers = [_find_column(schema, each) for each in names]
    # The reader keeps the order of the stream, whatever order is requested.
    options = pa.ipc.IpcReadOptions(included_fields=sorted(set(column_numbers)))
    batches, rows = [], 0
    for batch in pa.ipc.open_stream(body, options=options):
        rows += batch.num_rows
        if rows > max_rows:
            raise LimitError(f"More than the {max_rows:,} points of one request; send several.")
        batch.validate(full=True)
        batches.append(batch)
    return [_read_numbers(batches, schema.field(number).name) for number in column_numbers]


def _find_column(schema: pa.Schema, names: Sequence[str]) -> int:
    lower = [name.lower() for name in schema.names]
    number = next((lower.index(name) for name in names if name in lower), None)
    if number is None:
        raise InputError(f"The Arrow stream has no column {names[0]}.")
    field = schema.field(number)
    kind = field.type
    # A column without values has no type either.
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise InputError(f"The column {names[0]} of the Arrow stream holds no numbers.")
    if schema.names.count(field.name) > 1:
        raise InputError(f"The Arrow stream has the column {names[0]} twice.")
    return number


def _read_numbers(batches: Sequence[pa.RecordBatch], name: str) -> FloatArray:
    columns = [
        batch.column(name).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) for batch in batches
    ]
    return np.concatenate([np.empty(0), *columns])


def _is_compressed(message: pa.Message) -> bool:
    """Return whether a message declares its buffers as compressed (Message.fbs of the Arrow format)."""
    if message.type not in {"record batch", "dictionary"}:
        return False
    data = message.metadata.to_pybytes()
    header = _field_position(data, _follow_offset(data, 0), 2)
    if message.type == "dictionary" and header is not None:
        header = _field_position(data, _follow_offset(data, header), 1)
    return header is None or _field_position(data, _follow_offset(data, header), 3) is not None


def _follow_offset(data: bytes, position: int) -> int:
    """Follow the offset at a position of a flatbuffer."""
    found: int = position + struct.unpack_from("<I", data, position)[0]
    return found


def _field_position(data: bytes, table: int, field_number: int) -> int | None:
    """Return the position of a member in a flatbuffer's table, None if it is missing."""
    layout = table - struct.unpack_from("<i", data, table)[0]
    (size,) = struct.unpack_from("<H", data, layout)
    if 4 + 2 * field_number + 2 > size:
        return None
    (offset,) = struct.unpack_from("<H", data, layout + 4 + 2 * field_number)
    return table + offset if offset else None


def dictionary_column(
    values: Sequence[str | None] | ObjectArray, positions: NDArray[np.signedinteger]
) -> pa.DictionaryArray:
    """Return a column of repeated texts.

    Parameters
    ----------
    values
        The texts; repeated ones are allowed, and None is null.
    positions
        For each row a position in `values`, or -1 for none, shape (n,).
    """
    encoded = pa.array(values, pa.string()).dictionary_encode()
    table = np.append(encoded.indices.fill_null(-1).to_numpy(), np.int32(-1))
    indices = table[positions]
    return pa.DictionaryArray.from_arrays(pa.array(indices, mask=indices < 0), encoded.dictionary)


def write_columns(columns: Mapping[str, pa.Array], rows: int, metadata: Mapping[str, str]) -> bytes:
    """Write columns as a stream of one batch, with metadata in its schema."""
    schema = pa.schema([(name, column.type) for name, column in columns.items()], metadata=dict(metadata))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        if columns and rows:
            writer.write_batch(pa.record_batch(list(columns.values()), schema=schema))
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]
