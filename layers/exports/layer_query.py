"""What is exported of a layer: the filters that are asked for, and the rows and columns that follow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import Row, Select

from gis.gaps import Text
from layers.db.bbox import BBox

RowSelect = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class ExportFilters:
    """Which rows of a layer to export; what is not given does not restrict.

    Attributes
    ----------
    area_code
        An area: itself or what lies in it or in an area beneath it.
    bbox
        What meets a bounding box.
    on
        The state of a date; the present one when not given.
    kind
        Entities, or gaps, of a kind.
    scheme
        Code of the scheme of cells or gaps. For entities it adds their cell in it.
    cell_code
        Entities, or gaps, of a cell of the scheme.
    severity
        Gaps of a severity.
    run
        Gaps of this run; those of the last one on or before the date when not given.
    scope
        The area that the caller may see, None for all: cells elsewhere are not told.
    """

    area_code: str | None = None
    bbox: BBox | None = None
    on: date | None = None
    kind: str | None = None
    scheme: str | None = None
    cell_code: str | None = None
    severity: str | None = None
    run: int | None = None
    scope: str | None = None


class LayerQuery(NamedTuple):
    """A layer: its standard columns, the columns that hold documents, and the statements that select both.

    `notes` say what the rows do not: which kinds of gaps nobody has looked for. `told` returns what
    the caller is told in place of values of rows, with sentences in a language of `Text`.

    Each statement selects a growing `key`, the columns, the documents and the undecoded geometry.
    """

    columns: dict[str, pa.DataType]
    documents: tuple[str, ...]
    statements: list[RowSelect]
    notes: tuple[Text, ...] = ()
    told: Callable[[Sequence[Row[Any]], str], Sequence[Mapping[str, Any]]] | None = None
    tables: Mapping[str, RowSelect] = MappingProxyType({})
    """Tables of text that belong to the layer, by their names."""
    told_keys: frozenset[str] = frozenset()
    """Keys of the documents whose values the columns tell."""
    personal_names: bool = False
    """The personal values hold the names of those that have no other name."""
