"""Personal values as they are shown to a caller who may not see them, or has not asked to."""

from collections.abc import Mapping
from typing import Any


def mask_personal(personal: Mapping[str, Any]) -> dict[str, Any]:
    """Return personal values of which only the start of a name or the end of a number is left."""
    return {key: _mask_value(value) for key, value in personal.items()}


def mask_text(text: str) -> str:
    """Mask one value: 张伟 to 张*, 13800001234 to *********34."""
    if sum(character.isdigit() for character in text) >= 6:
        return "*" * (len(text) - 2) + text[-2:]
    return text[:1] + "*" * min(max(len(text) - 1, 1), 3)


def _mask_value(value: Any) -> Any:
    if value is None or value in ("", {}, []):
        return value
    if isinstance(value, Mapping):
        return mask_personal(value)
    if isinstance(value, list | tuple):
        return [_mask_value(each) for each in value]
    return mask_text(str(value))
