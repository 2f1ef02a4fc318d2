"""What the records of a file become: identity, name, class, area, attributes, or a reason."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely

from gis.arrays import BoolArray, IntArray, ObjectArray
from gis.codes import normalize_codes
from gis.datum import Datum, convert_geometries
from gis.errors import InputError
from layers.areas.locator import AreaLocator
from layers.db.content_hash import (
    DERIVED_FIELDS,
    ENTITY_CLASS_FIELDS,
    ENTITY_NAME_FIELDS,
    canonical_json,
    hash_content,
    ordered_json,
)
from layers.fields.columns import ID_FIELDS, KIND_FIELDS, find_column
from layers.fields.personal import FieldSense, field_sense, find_personal
from layers.fields.personal_values import hold_identity_numbers
from layers.formats.read_batches import Batch
from layers.imports.rejections import RejectedRecord, RejectionReason
from layers.imports.staging import StagingTable


class _FieldRoles(NamedTuple):
    """What the fields of a file mean for entities of one kind.

    The others are attributes, or personal, by their `senses` and value by value.
    """

    name: str | None
    class_name: str | None
    others: list[str]
    senses: dict[str, FieldSense]


class EntityReader:
    """Turns batches into staged records, and keeps account of those it rejects."""

    def __init__(
        self,
        path: Path,
        kind: str | None,
        id_field: str | None,
        datum: Datum,
        personal: frozenset[str],
        locator: AreaLocator,
        known_areas: Collection[str],
        allowed_areas: Collection[str] | None,
    ) -> None:
        self.rejected: list[RejectedRecord] = []
        self.without_location = self.outside_areas = 0
        self._path, self._kind, self._id_field, self._datum = path, kind, id_field, datum
        self._personal, self._locator, self._known_areas, self.allowed_areas = (
            personal,
            locator,
            known_areas,
            allowed_areas,
        )
        self._kind_field: str | None = None
        self._roles: dict[str, _FieldRoles] = {}

    def stage(self, batch: Batch, staging: StagingTable) -> None:
        """Stage the records of a batch that can be taken."""
        if batch.first == 0:
            self._choose_fields(batch)
        size = len(batch)
        identities = normalize_codes(batch.columns[str(self._id_field)])
        kinds = (
            np.full(size, self._kind, dtype=object)
            if self._kind is not None
            else normalize_codes(batch.columns[str(self._kind_field)])
        )
        geometries, impossible = _to_wgs84(batch.geometries, self._datum)
        areas = self._locate_areas(batch, geometries)
        forbidden = (
            np.zeros(size, dtype=bool)
            if self.allowed_areas is None
            else np.array([area not in self.allowed_areas for area in areas], dtype=bool)
        )
        accepted = self._reject(
            batch.first,
            identities,
            {
                RejectionReason.missing_id: identities == "",
                RejectionReason.personal_id: np.array(hold_identity_numbers(identities.tolist()), dtype=bool),
                RejectionReason.missing_kind: kinds == "",
                RejectionReason.invalid_coordinates: impossible,
                RejectionReason.not_permitted: forbidden,
            },
        )
        for kind in dict.fromkeys(kinds[accepted].tolist()):
            rows = accepted[kinds[accepted] == kind]
            self._stage_kind(batch, kind, rows, identities, geometries, areas, staging)

    def _choose_fields(self, batch: Batch) -> None:
        fields = list(batch.columns)
        listed = ", ".join(fields) or "none"
        if self._id_field is None:
            self._id_field = find_column(fields, ID_FIELDS) or _find_id_column(batch)
        if self._id_field is None or self._id_field not in fields:
            raise InputError(
                f"{self._path} has no field '{self._id_field or 'id'}'; name the one that identifies a "
                f"record with --id-field (fields: {listed})."
            )
        self._kind_field = find_column(fields, KIND_FIELDS)
        if self._kind is None and self._kind_field is None:
            raise InputError(f"{self._path} has no field 'kind'; say with --kind what the records are.")
        if field_sense(self._id_field, self._kind or "", self._personal) >= FieldSense.role:
            raise InputError(
                f"{self._path}: the field '{self._id_field}' is personal and cannot identify a record; "
                "name another with --id-field."
            )
        absent = self._personal - set(fields)
        if absent:
            raise InputError(f"{self._path} has no field '{min(absent)}' for --personal (fields: {listed}).")

    def _reject(
        self, first: int, identities: ObjectArray, faults: dict[RejectionReason, BoolArray]
    ) -> IntArray:
        """Note the records with a fault, each under its first, and return the rows of the others."""
        accepted = np.ones(len(identities), dtype=bool)
        for reason, faulty in faults.items():
            for row in np.flatnonzero(accepted & faulty).tolist():
                named = identities[row] if reason is not RejectionReason.personal_id else None
                self.rejected.append(RejectedRecord(first + row + 1, named or None, reason))
            accepted &= ~faulty
        return np.flatnonzero(accepted)

    def _locate_areas(self, batch: Batch, geometries: ObjectArray) -> ObjectArray:
        """Give each record the area of its location, and one without location the area it names, if any."""
        areas = self._locator.locate(geometries)
        named = find_column(list(batch.columns), ("area_code",))
        if named is not None:
            for row in np.flatnonzero(shapely.is_missing(geometries)).tolist():
                code = batch.columns[named][row]
                areas[row] = str(code) if code is not None and str(code) in self._known_areas else None
        return areas

    def _stage_kind(
        self,
        batch: Batch,
        kind: str,
        rows: IntArray,
        identities: ObjectArray,
        batch_geometries: ObjectArray,
        areas: ObjectArray,
        staging: StagingTable,
    ) -> None:
        roles = self._roles.get(kind) or self._roles.setdefault(kind, self._assign_roles(batch, kind))
        row_numbers = rows.tolist()

        def values(name: str) -> list[Any]:
            column = batch.columns[name]
            found = [column[row] for row in row_numbers]
            if name != self._kind_field:
                return found
            # It is a fact about the entity only where it says something else than the kind that was given.
            kind_codes = normalize_codes(found)
            return [None if text == kind else value for value, text in zip(found, kind_codes, strict=True)]

        public, private = _separate_columns(
            {name: values(name) for name in roles.others}, roles.senses, kind, len(row_numbers)
        )

        def texts(name: str | None) -> list[str | None]:
            """Return the texts of a field, None where one is personal and kept as such."""
            if name is None:
                return [None] * len(row_numbers)
            found: list[str | None] = [text or None for text in normalize_codes(values(name))]
            for row, personal in enumerate(find_personal(found, roles.senses[name], kind)):
                if personal:
                    private[row][name], found[row] = found[row], None
            return found

        names, classes = texts(roles.name), texts(roles.class_name)
        attributes, personal = ([ordered_json(each) for each in documents] for documents in (public, private))
        compared = ([canonical_json(each) for each in documents] for documents in (public, private))
        is_unwritable = np.array(
            [
                any("\0" in text or "\\u0000" in text for text in record if text)
                for record in zip(identities[rows], names, classes, attributes, personal, strict=True)
            ],
            dtype=bool,
        )
        wkb = np.asarray(shapely.to_wkb(batch_geometries[rows], byte_order=1), dtype=object)
        hashes = [
            hash_content(*values_of_record)
            for values_of_record in zip(names, classes, *compared, wkb.tolist(), strict=True)
        ]
        numbers = (rows + batch.first + 1).tolist()
        columns: list[list[Any]] = [
            numbers,
            [kind] * len(row_numbers),
            identities[rows].tolist(),
            names,
            classes,
            areas[rows].tolist(),
            attributes,
            personal,
            hashes,
        ]
        geometries = batch_geometries[rows]
        if is_unwritable.any():
            self._reject(
                batch.first,
                identities,
                {RejectionReason.invalid_text: np.isin(np.arange(len(batch)), rows[is_unwritable])},
            )
            is_writable = ~is_unwritable
            columns = [
                [value for value, keep in zip(column, is_writable, strict=True) if keep] for column in columns
            ]
            geometries, wkb = geometries[is_writable], wkb[is_writable]
        missing = shapely.is_missing(geometries)
        self.without_location += int(missing.sum())
        self.outside_areas += sum(
            area is None for area, gone in zip(columns[5], missing.tolist(), strict=True) if not gone
        )
        staging.add(columns, geometries, wkb)

    def _assign_roles(self, batch: Batch, kind: str) -> _FieldRoles:
        senses = {field: field_sense(field, kind, self._personal) for field in batch.columns}
        public = [field for field, sense in senses.items() if sense is not FieldSense.personal]
        name, class_name = find_column(public, ENTITY_NAME_FIELDS), find_column(public, ENTITY_CLASS_FIELDS)
        # A key of another name, such as a credit code, is a fact about the entity too.
        used = {name, class_name, *DERIVED_FIELDS} | ({self._id_field} & {"id"})
        others = [
            field for field, sense in senses.items() if field not in used or sense is FieldSense.personal
        ]
        return _FieldRoles(name, class_name, others, senses)


def _separate_columns(
    columns: Mapping[str, list[Any]], senses: Mapping[str, FieldSense], kind: str, size: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Part the values of records into those that all may see and those about people, in the order of columns.

    Columns that are all one or all the other, which most are, are put together by record at once.
    """
    personal = {name: find_personal(column, senses[name], kind) for name, column in columns.items()}
    parted: list[list[dict[str, Any]]] = []
    for is_private in (False, True):
        names = [name for name, found in personal.items() if is_private in found]
        if not any((not is_private) in personal[name] for name in names):
            records = zip(*(columns[name] for name in names), strict=True) if names else ((),) * size
            parted.append([dict(zip(names, record, strict=True)) for record in records])
            continue
        parted.append(
            [
                {name: columns[name][row] for name in names if personal[name][row] is is_private}
                for row in range(size)
            ]
        )
    return parted[0], parted[1]


def _to_wgs84(geometries: ObjectArray, datum: Datum) -> tuple[ObjectArray, BoolArray]:
    """Convert geometries to WGS 84, with None for empty ones; say which have impossible coordinates."""
    converted = geometries.copy()
    bounds = shapely.bounds(converted)
    absent = shapely.is_missing(converted) | (shapely.get_num_coordinates(converted) == 0)
    west, south, east, north = np.nan_to_num(bounds, nan=np.inf).T
    impossible = ~absent & ~((west >= -180) & (south >= -90) & (east <= 180) & (north <= 90))
    converted[absent | impossible] = None
    return convert_geometries(converted, datum, Datum.WGS84), impossible


def _find_id_column(batch: Batch) -> str | None:
    """Take a first column that ends in "id" and whose values do not repeat."""
    first = next(iter(batch.columns), None)
    if first is None or not first.lower().endswith("id"):
        return None
    values = batch.columns[first]
    return first if len(set(values)) == len(values) else None
