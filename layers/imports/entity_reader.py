"""What the records of a file become: identity, name, class, area, attributes, or a reason."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.codes import code_texts
from gis.datum import Datum, convert_geometry
from gis.errors import InputError
from layers.areas.locator import Territory
from layers.db.content_hash import CLASS_FIELDS, NAME_FIELDS, OWN_FIELDS, as_json, content_hash
from layers.fields.columns import ID_NAMES, KIND_NAMES, first_of
from layers.fields.personal import is_personal
from layers.formats.read_batches import Batch
from layers.imports.rejections import Reason, Rejected
from layers.imports.staging import Staging

Objects = NDArray[np.object_]
Booleans = NDArray[np.bool_]


class _Roles(NamedTuple):
    """What the fields of a file mean for entities of one kind."""

    name: str | None
    class_name: str | None
    attributes: list[str]
    personal: list[str]


class Reader:
    """Turns batches into staged records, and keeps account of those it rejects."""

    def __init__(
        self,
        path: Path,
        kind: str | None,
        id_field: str | None,
        datum: Datum,
        personal: frozenset[str],
        territory: Territory,
        known: Collection[str],
        allowed: Collection[str] | None,
    ) -> None:
        self.rejected: list[Rejected] = []
        self.without_location = self.outside_areas = 0
        self._path, self._kind, self._id_field, self._datum = path, kind, id_field, datum
        self._personal, self._territory, self._known, self.allowed = personal, territory, known, allowed
        self._kind_field: str | None = None
        self._roles: dict[str, _Roles] = {}

    def take(self, batch: Batch, staging: Staging) -> None:
        """Stage the records of a batch that can be taken."""
        if batch.first == 0:
            self._choose_fields(batch)
        size = len(batch)
        identities = code_texts(batch.columns[str(self._id_field)])
        kinds = (
            np.full(size, self._kind, dtype=object)
            if self._kind is not None
            else code_texts(batch.columns[str(self._kind_field)])
        )
        shapes, impossible = _usable(batch.geometries, self._datum)
        areas = self._areas(batch, shapes)
        forbidden = (
            np.zeros(size, dtype=bool)
            if self.allowed is None
            else np.array([area not in self.allowed for area in areas], dtype=bool)
        )
        left = self._reject(
            batch.first,
            identities,
            {
                Reason.missing_id: identities == "",
                Reason.missing_kind: kinds == "",
                Reason.invalid_coordinates: impossible,
                Reason.not_permitted: forbidden,
            },
        )
        for kind in dict.fromkeys(kinds[left].tolist()):
            rows = left[kinds[left] == kind]
            self._stage(batch, kind, rows, identities, shapes, areas, staging)

    def _choose_fields(self, batch: Batch) -> None:
        fields = list(batch.columns)
        listed = ", ".join(fields) or "none"
        if self._id_field is None:
            self._id_field = first_of(fields, ID_NAMES) or _leading_id(batch)
        if self._id_field is None or self._id_field not in fields:
            raise InputError(
                f"{self._path} has no field '{self._id_field or 'id'}'; name the one that identifies a "
                f"record with --id-field (fields: {listed})."
            )
        self._kind_field = first_of(fields, KIND_NAMES)
        if self._kind is None and self._kind_field is None:
            raise InputError(f"{self._path} has no field 'kind'; say with --kind what the records are.")
        if is_personal(self._id_field, self._kind or "", self._personal):
            raise InputError(
                f"{self._path}: the field '{self._id_field}' is personal and cannot identify a record; "
                "name another with --id-field."
            )
        absent = self._personal - set(fields)
        if absent:
            raise InputError(f"{self._path} has no field '{min(absent)}' for --personal (fields: {listed}).")

    def _reject(self, first: int, identities: Objects, faults: dict[Reason, Booleans]) -> NDArray[np.int64]:
        """Note the records with a fault, each under its first, and return the rows of the others."""
        left = np.ones(len(identities), dtype=bool)
        for reason, faulty in faults.items():
            for row in np.flatnonzero(left & faulty).tolist():
                self.rejected.append(Rejected(first + row + 1, identities[row] or None, reason))
            left &= ~faulty
        return np.flatnonzero(left)

    def _areas(self, batch: Batch, shapes: Objects) -> Objects:
        """Give each record the area of its location, and one without location the area it names, if any."""
        areas = self._territory.areas_of(shapes)
        named = first_of(list(batch.columns), ("area_code",))
        if named is not None:
            for row in np.flatnonzero(shapely.is_missing(shapes)).tolist():
                code = batch.columns[named][row]
                areas[row] = str(code) if code is not None and str(code) in self._known else None
        return areas

    def _stage(
        self,
        batch: Batch,
        kind: str,
        rows: NDArray[np.int64],
        identities: Objects,
        shapes: Objects,
        areas: Objects,
        staging: Staging,
    ) -> None:
        roles = self._roles.get(kind) or self._roles.setdefault(kind, self._roles_of(batch, kind))
        picked = rows.tolist()

        def values(name: str) -> list[Any]:
            column = batch.columns[name]
            found = [column[row] for row in picked]
            if name != self._kind_field:
                return found
            # It is a fact about the entity only where it says something else than the kind that was given.
            told = code_texts(found)
            return [None if text == kind else value for value, text in zip(found, told, strict=True)]

        def documents(names: list[str]) -> list[str]:
            if not names:
                return ["{}"] * len(picked)
            return [
                as_json(dict(zip(names, record, strict=True)))
                for record in zip(*(values(name) for name in names), strict=True)
            ]

        def texts(name: str | None) -> list[str | None]:
            return (
                [None] * len(picked) if name is None else [text or None for text in code_texts(values(name))]
            )

        names, classes = texts(roles.name), texts(roles.class_name)
        attributes, personal = documents(roles.attributes), documents(roles.personal)
        unwritable = np.array(
            [
                any("\0" in text or "\\u0000" in text for text in record if text)
                for record in zip(identities[rows], names, classes, attributes, personal, strict=True)
            ],
            dtype=bool,
        )
        wkb = np.asarray(shapely.to_wkb(shapes[rows], byte_order=1), dtype=object)
        hashes = [
            content_hash(*content)
            for content in zip(names, classes, attributes, personal, wkb.tolist(), strict=True)
        ]
        numbers = (rows + batch.first + 1).tolist()
        columns: list[list[Any]] = [
            numbers,
            [kind] * len(picked),
            identities[rows].tolist(),
            names,
            classes,
            areas[rows].tolist(),
            attributes,
            personal,
            hashes,
        ]
        geometries = shapes[rows]
        if unwritable.any():
            self._reject(
                batch.first,
                identities,
                {Reason.invalid_text: np.isin(np.arange(len(batch)), rows[unwritable])},
            )
            fine = ~unwritable
            columns = [
                [value for value, keep in zip(column, fine, strict=True) if keep] for column in columns
            ]
            geometries, wkb = geometries[fine], wkb[fine]
        missing = shapely.is_missing(geometries)
        self.without_location += int(missing.sum())
        self.outside_areas += sum(
            area is None for area, gone in zip(columns[5], missing.tolist(), strict=True) if not gone
        )
        staging.add(columns, geometries, wkb)

    def _roles_of(self, batch: Batch, kind: str) -> _Roles:
        fields = list(batch.columns)
        personal = [name for name in fields if is_personal(name, kind, self._personal)]
        public = [name for name in fields if name not in personal]
        name, class_name = first_of(public, NAME_FIELDS), first_of(public, CLASS_FIELDS)
        # A key of another name, such as a credit code, is a fact about the entity too.
        spent = {name, class_name, *OWN_FIELDS} | ({self._id_field} & {"id"})
        return _Roles(name, class_name, [field for field in public if field not in spent], personal)


def _usable(geometries: Objects, datum: Datum) -> tuple[Objects, Booleans]:
    """Convert geometries to WGS 84, with None for empty ones; say which have impossible coordinates."""
    shapes = geometries.copy()
    bounds = shapely.bounds(shapes)
    absent = shapely.is_missing(shapes) | (shapely.get_num_coordinates(shapes) == 0)
    west, south, east, north = np.nan_to_num(bounds, nan=np.inf).T
    impossible = ~absent & ~((west >= -180) & (south >= -90) & (east <= 180) & (north <= 90))
    shapes[absent | impossible] = None
    return convert_geometry(shapes, datum, Datum.WGS84), impossible


def _leading_id(batch: Batch) -> str | None:
    """Take a first column that ends in "id" and whose values do not repeat."""
    first = next(iter(batch.columns), None)
    if first is None or not first.lower().endswith("id"):
        return None
    values = batch.columns[first]
    return first if len(set(values)) == len(values) else None
