"""Phrases that the sentences of several kinds share, in both languages."""

from collections.abc import Sequence

from gis.text import Text


def min_area_phrase(min_area_m2: float) -> Text:
    """Return from which size on ground counts; nothing where all does."""
    if min_area_m2 <= 0:
        return Text("", "")
    return Text(f"，{min_area_m2:g} m² 起计", f", pieces from {min_area_m2:g} m² on")


def list_phrase(items: Sequence[str]) -> Text:
    """Return a list of names."""
    return Text("、".join(items), ", ".join(items))


def cell_phrase(code: str | None) -> Text:
    """Return what one cell is called; a reader may not know the code of None."""
    if code is None:
        return Text("辖区外的一个网格", "a cell outside your area")
    return Text(f"网格 {code}", f"cell {code}")


def beside_phrase(codes: Sequence[str | None]) -> Text:
    """Return which cells ground is beside; nothing where there are none, see `cell_phrase`."""
    known = [code for code in codes if code is not None]
    outside = len(codes) - len(known)
    listed, parts = list(known), [f"cells {', '.join(known)}"] if known else []
    if outside:
        listed.append(f"辖区外的 {outside} 个网格")
        parts.append("a cell outside your area" if outside == 1 else f"{outside} cells outside your area")
    if not codes:
        return Text("", "")
    return Text(f"，相邻网格：{'、'.join(listed)}", f" beside {' and '.join(parts)}")
