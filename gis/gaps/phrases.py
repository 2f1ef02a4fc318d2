"""Phrases that the sentences of several kinds share, in both languages."""

from collections.abc import Sequence

from gis.gaps.kind import Text


def min_area_phrase(min_area_m2: float) -> Text:
    """Return from which size on ground counts; nothing where all does."""
    if min_area_m2 <= 0:
        return Text("", "")
    return Text(f"，{min_area_m2:g} m² 起计", f", pieces from {min_area_m2:g} m² on")


def list_phrase(items: Sequence[str]) -> Text:
    """Return a list of names."""
    return Text("、".join(items), ", ".join(items))
