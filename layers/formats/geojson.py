"""What the bytes of a GeoJSON file say better than GDAL: the CRS it names, and how much it holds."""

import json
import mmap
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyproj import CRS
from pyproj.exceptions import CRSError

from gis.errors import InputError

_MEMBER = re.compile(rb'"crs"\s*:\s*', re.IGNORECASE)
_MAX_MEMBER_BYTES = 20_000
_NUMBER_AS_ID = re.compile(rb'"id"\s*:\s*-?\d')
_LONG_INTEGER = re.compile(rb"[:,\[]\s*-?\d{16,}\s*[,}\]]")
_EXACT_FLOAT = 2**53
_FEATURE = re.compile(rb'"type"\s*:\s*"Feature"')


def named_crs(path: Path) -> CRS | None:
    """Return the CRS that a GeoJSON file names as the format's old form has it.

    Parameters
    ----------
    path
        A GeoJSON file of any size.

    Returns
    -------
    CRS or None
        None where the file names none (or null), which means longitude and latitude in WGS 84.

    Raises
    ------
    InputError
        If what it names is not known, is to be fetched from an address, or is not the same throughout.
    """
    found: CRS | None = None
    for member in _crs_members(path):
        crs = _parse_crs(path, member)
        if found is not None and not crs.equals(found, ignore_axis_order=True):
            raise InputError(f"{path} names several coordinate reference systems; bring its features to one.")
        found = crs
    return found


def has_one_layer(path: Path) -> bool:
    """Return whether a file surely holds a single layer, as GeoJSON does and TopoJSON of that name may not.

    GDAL reads all of the file to name its layers.
    """
    with _open_bytes(path) as text:
        return text.find(b'"Topology"') < 0


def estimate_features(path: Path) -> int | None:
    """Return how many features a file seems to hold, for telling progress; None where none is seen.

    GDAL reads all of the file to count them, ten times slower than this looks for what each begins with.
    """
    with _open_bytes(path) as text:
        return sum(1 for _ in _FEATURE.finditer(text)) or None


def has_numbered_features(path: Path) -> bool:
    """Return whether something in a file without a field `id` has a number as `id`: its features may."""
    with _open_bytes(path) as text:
        return _NUMBER_AS_ID.search(text) is not None


def long_numbers(path: Path, names: Collection[str]) -> dict[str, dict[int, str]]:
    """Return the numbers, as they are written, of fields with an integer of more digits than a float keeps.

    GDAL has floats for a field in which one number has a fraction or is beyond 64 bits.

    Parameters
    ----------
    path
        A GeoJSON file of any size.
    names
        Fields of which GDAL has floats.

    Returns
    -------
    dict
        Field → number of the feature → its text; without the fields that have no such integer.

    Raises
    ------
    InputError
        If there is such an integer in a file that is no collection of features.
    """
    with _open_bytes(path) as text:
        if not names or _LONG_INTEGER.search(text) is None:
            return {}
    try:
        features = json.loads(path.read_bytes(), parse_float=str)["features"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} has numbers of more than 15 digits in the field '{min(names)}'; write them as text."
        ) from error
    found: dict[str, dict[int, str]] = {}
    for name in names:
        values = {}
        for place, feature in enumerate(features):
            number = feature.get("id")
            values[number if isinstance(number, int) else place] = (feature.get("properties") or {}).get(name)
        if any(isinstance(value, int) and abs(value) >= _EXACT_FLOAT for value in values.values()):
            found[name] = {
                number: str(value) for number, value in values.items() if isinstance(value, int | str)
            }
    return found


@contextmanager
def _open_bytes(path: Path) -> Iterator[mmap.mmap | bytes]:
    """Give the bytes of a file without reading it into memory."""
    if not path.stat().st_size:
        # Nothing cannot be mapped.
        yield b""
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        yield text


def _crs_members(path: Path) -> Iterator[Any]:
    """Give what stands in the members of the file, but not in its features' attributes of that name."""
    with _open_bytes(path) as text:
        head, tail = text.find(b'"features"'), text.rfind(b"]")
        for match in _MEMBER.finditer(text):
            value = _leading_json(text[match.end() : match.end() + _MAX_MEMBER_BYTES])
            formal = isinstance(value, dict) and {"type", "properties"} <= value.keys()
            outside = head >= 0 and not head < match.start() < tail
            if value is not None and (formal or outside):
                yield value


def _leading_json(text: bytes) -> Any:
    """Return the JSON value with which a text begins; the text itself where there is none."""
    words = text.decode("utf-8", errors="replace")
    try:
        return json.JSONDecoder().raw_decode(words)[0]
    except ValueError:
        return words


def _parse_crs(path: Path, member: Any) -> CRS:
    name = member
    if isinstance(member, dict):
        properties = member.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        if str(member.get("type")).lower() in {"link", "url"}:
            raise InputError(
                f"{path} tells its coordinate reference system by an address, which is not fetched; give it "
                "with --source-crs, or by name in the file."
            )
        name = next((properties[key] for key in ("name", "code", "urn") if key in properties), None)
    try:
        if isinstance(name, str | int):
            return CRS.from_user_input(name)
    except CRSError:
        pass
    quoted = f" '{name}'" if isinstance(name, str | int) and len(str(name)) <= 100 else ""
    raise InputError(
        f"{path} names a coordinate reference system{quoted} that is not known; "
        "give it with --source-crs, for "
        "example EPSG:4326."
    )
