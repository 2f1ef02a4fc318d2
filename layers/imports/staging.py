"""The staging table of an import: a temporary table, filled in batches and merged as one set."""

import json
from array import array
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

import shapely
from sqlalchemy import Connection, text

from gis.arrays import ObjectArray
from gis.errors import ConflictError
from layers.db import geopackage
from layers.models.geometry_type import SRID, to_blobs

_COLUMNS = (
    "number",
    "kind",
    "external_id",
    "name",
    "class_name",
    "area_code",
    "attributes",
    "personal",
    "content_hash",
    "geometry",
)
_REBUILD_SHARE = 0.2
# Above this share of changed rows, rebuilding the spatial index is cheaper than following each change.

_SAME_IDENTITY = "e.kind = s.kind AND e.external_id = s.external_id"
_ENTITY_COLUMNS = ("name", "class_name", "area_code", "attributes", "personal", "content_hash", "geometry")
_VERSION_COLUMNS = (
    "name",
    "class_name",
    "area_code",
    "attributes",
    "personal",
    "valid_from",
    "version",
    "geometry",
)


class StagingTable:
    """The temporary table of one connection.

    Parameters
    ----------
    connection
        The table lives until it is dropped or the connection ends.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._postgresql = connection.dialect.name == "postgresql"

    def create(self) -> None:
        """Make the table, empty."""
        json_type, geometry_type = (
            ("json", f"geometry(Geometry, {SRID})") if self._postgresql else ("text", "blob")
        )
        self._execute(
            "CREATE TEMPORARY TABLE staged (number bigint NOT NULL, kind text NOT NULL,"
            " external_id text NOT NULL, name text, class_name text, area_code text,"
            f" attributes {json_type} NOT NULL, personal {json_type} NOT NULL, content_hash text NOT NULL,"
            f" geometry {geometry_type})"
        )

    def add(self, columns: Sequence[Sequence[Any]], geometries: ObjectArray, wkb: ObjectArray) -> None:
        """Put records in.

        Parameters
        ----------
        columns
            Number, kind, external_id, name, class_name, area_code, attributes, personal, content_hash.
        geometries, wkb
            Geometries and their little-endian WKB, None where missing.
        """
        driver: Any = self._connection.connection.driver_connection
        if self._postgresql:
            with_srid = shapely.set_srid(geometries, SRID)
            hex_wkb = shapely.to_wkb(with_srid, byte_order=1, include_srid=True, hex=True)
            with driver.cursor().copy(f"COPY staged ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
                for row in zip(*columns, hex_wkb.tolist(), strict=True):
                    copy.write_row(row)
        else:
            marks = ", ".join("?" * len(_COLUMNS))
            rows: Iterable[Any] = zip(*columns, to_blobs(geometries, wkb), strict=True)
            driver.executemany(f"INSERT INTO staged VALUES ({marks})", rows)  # noqa: S608  only marks

    def remove_duplicates(self) -> list[tuple[int, str]]:
        """Take out the later ones of records with one identity; return their numbers and identities."""
        self._execute("CREATE INDEX ix_staged ON staged (kind, external_id, number)")
        if self._postgresql:
            self._execute("ANALYZE staged")
        later = (
            "SELECT number, external_id FROM (SELECT number, external_id, row_number() OVER"
            " (PARTITION BY kind, external_id ORDER BY number) AS place FROM staged) AS ranked"
            " WHERE place > 1 ORDER BY number"
        )
        return self._remove(later)

    def merge(
        self, on: date, allowed_areas: Collection[str] | None = None
    ) -> tuple[int, int, int, list[tuple[int, str]]]:
        """Bring the records into the entities; afterwards the table holds those that were new or changed.

        Parameters
        ----------
        on
            The date from which the new states hold.
        allowed_areas
            The areas whose entities may be changed; all when None.

        Returns
        -------
        inserted, updated, unchanged
            Counts.
        foreign
            Numbers and identities of the records whose entities lie elsewhere, and stay as they are.

        Raises
        ------
        ConflictError
            If an entity that changes has a state that begins later than `on`.
        """
        if self._postgresql:
            # No one else may write between reading a row and replacing it; readers go on.
            self._execute("LOCK TABLE entities IN SHARE ROW EXCLUSIVE MODE")
        foreign = [] if allowed_areas is None else self._remove_foreign(allowed_areas)
        unchanged = self._execute(
            f"DELETE FROM staged AS s WHERE EXISTS (SELECT 1 FROM entities e WHERE {_SAME_IDENTITY}"  # noqa: S608
            " AND e.content_hash = s.content_hash AND e.valid_to IS NULL AND"
            f" e.area_code {'IS NOT DISTINCT FROM' if self._postgresql else 'IS'} s.area_code)"
        ).rowcount
        late = self._execute(
            f"SELECT e.kind, e.external_id FROM entities e JOIN staged s ON {_SAME_IDENTITY}"  # noqa: S608
            " WHERE e.valid_from > :on ORDER BY s.number LIMIT 1",
            on=on,
        ).first()
        if late is not None:
            raise ConflictError(f"The {late[0]} '{late[1]}' has changed after {on}; import at a later date.")
        staged = self._count_rows("staged")
        if not self._postgresql and staged > _REBUILD_SHARE * self._count_rows("entities"):
            with geopackage.rebuilding_rtree(self._connection, "entities"):
                return *self._upsert(on), unchanged, foreign
        return *self._upsert(on), unchanged, foreign

    def changed_ids(self) -> "array[int]":
        """Return the ids of the entities that the merge made or changed, sorted; 8 bytes each."""
        found = self._connection.execute(
            text(f"SELECT e.id FROM entities e JOIN staged s ON {_SAME_IDENTITY} ORDER BY e.id"),  # noqa: S608
            execution_options={"yield_per": 10_000},
        )
        return array("q", found.scalars())

    def drop(self) -> None:
        """Take the table away, if it is there."""
        self._execute("DROP TABLE IF EXISTS staged")

    def _remove_foreign(self, allowed_areas: Collection[str]) -> list[tuple[int, str]]:
        """Take out the records of entities that lie in none of some areas: an identity gives no right."""
        codes = "json_array_elements_text(CAST(:codes AS json))" if self._postgresql else "json_each(:codes)"
        return self._remove(
            f"SELECT s.number, s.external_id FROM staged s JOIN entities e ON {_SAME_IDENTITY}"  # noqa: S608
            f" WHERE e.area_code IS NULL OR e.area_code NOT IN (SELECT value FROM {codes}) ORDER BY s.number",
            codes=json.dumps(sorted(allowed_areas)),
        )

    def _remove(self, chosen: str, **values: Any) -> list[tuple[int, str]]:
        """Take out the records that a query names; return their numbers and identities."""
        found = [(int(number), str(identity)) for number, identity in self._execute(chosen, **values)]
        if found:
            self._connection.execute(
                text("DELETE FROM staged WHERE number = :number"), [{"number": number} for number, _ in found]
            )
        return found

    def _upsert(self, on: date) -> tuple[int, int]:
        version_columns, entity_columns = ", ".join(_VERSION_COLUMNS), ", ".join(_ENTITY_COLUMNS)
        updated = self._execute(
            f"INSERT INTO entity_versions (entity_id, {version_columns}, valid_to) SELECT e.id,"  # noqa: S608
            f" {', '.join(f'e.{name}' for name in _VERSION_COLUMNS)}, coalesce(e.valid_to, :on)"
            f" FROM entities e JOIN staged s ON {_SAME_IDENTITY}",
            on=on,
        ).rowcount
        if updated:
            values = ", ".join(f"{name} = s.{name}" for name in _ENTITY_COLUMNS)
            self._execute(
                f"UPDATE entities AS e SET {values}, valid_from = :on, valid_to = NULL,"  # noqa: S608
                f" version = e.version + 1 FROM staged AS s WHERE {_SAME_IDENTITY}",
                on=on,
            )
        start = "CAST(:on AS date)" if self._postgresql else ":on"
        inserted = self._execute(
            f"INSERT INTO entities (kind, external_id, {entity_columns}, valid_from, version)"  # noqa: S608
            f" SELECT s.kind, s.external_id, {', '.join(f's.{name}' for name in _ENTITY_COLUMNS)}, {start}, 1"
            f" FROM staged s WHERE NOT EXISTS (SELECT 1 FROM entities e WHERE {_SAME_IDENTITY})"
            " ORDER BY s.number",
            on=on,
        ).rowcount
        return inserted, updated

    def _count_rows(self, table: str) -> int:
        found: int = self._execute(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608  names of ours
        return found

    def _execute(self, statement: str, **values: Any) -> Any:
        parameters = {key: value if self._postgresql else str(value) for key, value in values.items()}
        return self._connection.execute(text(statement), parameters)
