"""What bodies of requests and records of answers have in common."""

import json
import re
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

# NUL as JSON writes it, after an even number of backslashes.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

POINT = {"type": "Point", "coordinates": [114.05, 22.55]}
POLYGON = {
    "type": "Polygon",
    "coordinates": [[[114.0, 22.5], [114.1, 22.5], [114.1, 22.6], [114.0, 22.6], [114.0, 22.5]]],
}


class RequestModel(BaseModel):
    """What a caller sends; a field that is not known is an error."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _reject_unstorable(cls, data: Any) -> Any:
        """Refuse what Python reads as JSON and no database keeps: in a free document nothing else would."""
        try:
            # One refuses numbers that are not finite, the other those that are too long, and broken text.
            json.dumps(data, allow_nan=False)
            written = orjson.dumps(data)
        except (ValueError, TypeError, RecursionError):
            raise PydanticCustomError(
                "unkept",
                "A value cannot be kept: numbers are finite and have 64 bits, text is Unicode, nothing is "
                "nested more than 250 deep.",
            ) from None
        if _NUL.search(written):
            raise PydanticCustomError("unkept", "Text holds a NUL character.")
        return data


def build_record(schema: type[BaseModel], source: object, **values: Any) -> dict[str, Any]:
    """Return the record that a schema describes.

    Parameters
    ----------
    schema
        Its fields are those of the record, in their order.
    source
        Has attributes of the fields' names.
    values
        Fields that the source does not have, or has otherwise.
    """
    return {name: values[name] if name in values else getattr(source, name) for name in schema.model_fields}
