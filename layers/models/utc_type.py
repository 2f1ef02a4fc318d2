"""The column type of instants: aware UTC datetimes in Python on both databases."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, String
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeDecorator, TypeEngine


class _IsoDateTime(String):
    """ISO 8601 text in a column that GeoPackage calls DATETIME."""


@compiles(_IsoDateTime)
def _compile_iso_datetime(_type: _IsoDateTime, _compiler: Any, **_options: Any) -> str:
    return "DATETIME"


class UtcDateTime(TypeDecorator[datetime]):
    """An instant to the millisecond, kept as UTC; one without a time zone is refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the database's own type."""
        return dialect.type_descriptor(
            _IsoDateTime() if dialect.name == "sqlite" else DateTime(timezone=True)
        )

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Turn into UTC milliseconds.

        Raises
        ------
        ValueError
            If it has no time zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        # GeoPackage knows no finer time; both databases shall keep the same.
        moment = value.astimezone(UTC).replace(microsecond=value.microsecond // 1000 * 1000)
        if dialect.name != "sqlite":
            return moment
        # Always the same width, so that text compares as time does.
        return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read as UTC."""
        del dialect
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
