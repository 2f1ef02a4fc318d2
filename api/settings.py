"""Settings from the environment, with the prefix WANGGE_, read when a command starts."""

import os
import sys
from pathlib import Path
from typing import Any

from pydantic import Field, IPvAnyNetwork, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from gis.errors import InputError

_PREFIX = "WANGGE_"


def _default_data_folder() -> Path:
    """Return the folder of code tables: beside the packages in a checkout, under share/ when installed."""
    checkout = Path(__file__).parents[1] / "data"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / "wangge" / "data"


class _Settings(BaseSettings):
    """Settings whose errors name the variable, what it holds, and the form that it wants."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_underscores(cls, value: object, info: ValidationInfo) -> object:
        """Refuse 1_0, which Python's own source takes for ten and nobody else does."""
        assert info.field_name is not None
        is_number = cls.model_fields[info.field_name].annotation in (int, float)
        if is_number and isinstance(value, str) and "_" in value:
            raise ValueError("a number is written without underscores")
        return value

    def __init__(self, **values: Any) -> None:
        """Read the variables.

        Raises
        ------
        InputError
            If one of them has not the form that it wants.
        """
        try:
            super().__init__(**values)
        except (ValidationError, SettingsError) as error:
            wrong = [_wrong_field(error, each) for each in type(self).model_fields]
            name = next(each for each in wrong if each is not None)
            variable = f"{_PREFIX}{name.upper()}"
            given = values.get(name, os.environ.get(variable, ""))
            form = _describe_form(type(self).model_fields[name])
            raise InputError(f"The setting {variable} is '{given}'; it must be {form}.") from error


def _wrong_field(error: ValidationError | SettingsError, name: str) -> str | None:
    """Return the name of a field if an error is about it."""
    if isinstance(error, ValidationError):
        return name if any(each["loc"][:1] == (name,) for each in error.errors()) else None
    return name if f'"{name}"' in str(error) else None


def _describe_form(field: FieldInfo) -> str:
    """Return in words which values a setting may have."""
    if field.annotation == tuple[str, ...]:
        return 'a JSON list of texts, such as ["wangge.example", "localhost"]'
    limits = {type(each).__name__: each for each in field.metadata}
    ranges = []
    for limit, words in (("Gt", "above"), ("Ge", "from"), ("Lt", "below"), ("Le", "to")):
        if limit in limits:
            ranges.append(f"{words} {getattr(limits[limit], limit.lower()):,}")
    if field.annotation in (int, float):
        return " ".join(["a whole number" if field.annotation is int else "a number", *ranges])
    if "MaxLen" in limits:
        return f"a text of at most {limits['MaxLen'].max_length} characters"
    if field.examples:
        return f"like {field.examples[0]}"
    return "a path" if field.annotation in (Path, Path | None) else "a text"


class DataSettings(_Settings):
    """The folder of code tables: WANGGE_DATA."""

    data: Path = Field(default_factory=_default_data_folder)

    def code_tables_folder(self) -> Path:
        """Return the folder of code tables.

        Raises
        ------
        InputError
            If there is no such folder.
        """
        if not self.data.is_dir():
            raise InputError(f"{self.data} is no folder of code tables; set WANGGE_DATA to it.")
        return self.data


class ServiceSettings(_Settings):
    """The settings of the service: WANGGE_DATABASE, WANGGE_HOST, WANGGE_PORT, WANGGE_WORKERS and limits.

    Attributes
    ----------
    database
        ``sqlite:///FILE.gpkg`` or ``postgresql+psycopg://user@host:port/name``.
    hosts
        The host names of the service, as a JSON list; "*" stands for any.
    uploads
        The folder of uploaded files that wait for their import, and of exported files; a private temporary
        one when not given.
    export_s
        Seconds that exported files are kept.
    body_bytes, upload_bytes
        The largest body of a request, and of an uploaded file.
    uploads_at_once
        Files that one caller may be sending to one process at the same time.
    proxies
        The addresses or networks of proxies in front of the service, as a JSON list: they alone may say, in
        X-Forwarded-For and X-Forwarded-Proto, where a request really comes from.
    header_s
        Seconds until the head of a request has come, before its connection is closed.
    request_s
        Seconds after which a request is given up, except streams.
    grace_s
        Seconds that running requests get when the service stops.
    parse_s, parse_bytes
        Seconds of processor time and bytes of memory for reading an uploaded file.
    job_s
        Seconds that a job may take, whatever it waits for.
    job_workers
        Jobs that run at once, of all processes and machines together; one for every two processors, at most
        four, when not given.
    queued_jobs, queued_bytes
        The most jobs of one caller that have not ended, and the most bytes of their files.
    streams
        The most event streams that one caller may have in one process.
    vertices
        The most vertices of a geometry in a request, and the most of all in an uploaded file.
    title
        The title of the page; a default when empty.
    base_tiles, base_tiles_attribution, base_tiles_max_zoom
        Raster tiles of another server on the same network to draw beneath the map, as
        ``https://host/{z}/{x}/{y}.png``; their attribution; and their highest zoom.
    """

    database: str = "sqlite:///wangge.gpkg"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    uploads: Path | None = None
    export_s: float = Field(default=86_400.0, gt=0)
    body_bytes: int = Field(default=16 << 20, ge=1024)
    upload_bytes: int = Field(default=512 << 20, ge=1024)
    proxies: tuple[IPvAnyNetwork, ...] = Field(default=(), examples=['["127.0.0.1", "10.1.0.0/16"]'])
    header_s: float = Field(default=10.0, gt=0)
    uploads_at_once: int = Field(default=4, ge=1)
    request_s: float = Field(default=30.0, gt=0)
    grace_s: int = Field(default=10, ge=0)
    parse_s: int = Field(default=300, ge=1)
    parse_bytes: int = Field(default=4 << 30, ge=1 << 28)
    job_s: float = Field(default=900.0, gt=0)
    job_workers: int = Field(default_factory=lambda: min(4, max(1, (os.cpu_count() or 1) // 2)), ge=1, le=64)
    queued_jobs: int = Field(default=20, ge=1)
    queued_bytes: int = Field(default=2 << 30, ge=1024)
    streams: int = Field(default=20, ge=1)
    vertices: int = Field(default=5_000_000, ge=100)
    title: str = Field(default="", max_length=60)
    base_tiles: str = Field(
        default="",
        pattern=r"^$|^https?://[^\s/;,'\"]+/\S*\{z\}\S*$",
        examples=["https://host/{z}/{x}/{y}.png"],
    )
    base_tiles_attribution: str = Field(default="", max_length=200)
    base_tiles_max_zoom: int = Field(default=18, ge=0, le=24)

    @property
    def address(self) -> str:
        """The address of the service for a browser on this machine."""
        # The wildcard address is no address to connect to.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
