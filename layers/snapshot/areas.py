"""The names of areas: the chain from an area up to the top."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AreaLabel:
    """An area as answers describe it."""

    code: str
    name: str
    level: str


class AreaTree:
    """The chains of a set of areas, immutable.

    Parameters
    ----------
    rows
        Code, name, level and the parent's code (None at the top) of each area.
    """

    def __init__(self, rows: Iterable[tuple[str, str, str, str | None]]) -> None:
        listed = list(rows)
        self._areas = {code: AreaLabel(code, name, level) for code, name, level, _ in listed}
        self._parents = {code: parent for code, _, _, parent in listed}
        self._chains = {code: self._build_chain(code) for code in self._areas}

    def __len__(self) -> int:
        """Return the number of areas."""
        return len(self._areas)

    def chain(self, code: str | None) -> tuple[AreaLabel, ...]:
        """Return an area and all above it, the lowest first; empty where the code is unknown or None."""
        return self._chains.get(code, ()) if code is not None else ()

    def _build_chain(self, code: str) -> tuple[AreaLabel, ...]:
        chain: list[AreaLabel] = []
        seen: set[str] = set()
        above: str | None = code
        while above in self._areas and above not in seen:
            seen.add(above)
            chain.append(self._areas[above])
            above = self._parents[above]
        return tuple(chain)
