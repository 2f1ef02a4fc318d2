"""The contest for faces that several cells cover: which cell keeps each of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.topology.face_graph import Index, Lists, Mosaic, components


@dataclass(frozen=True, eq=False)
class Award:
    """Connected faces, who claimed or lost them, and the cell that got them."""

    faces: list[int]
    claimants: list[int]
    winner: int


class Contest:
    """The faces' owners while contested ones are being awarded.

    Parameters
    ----------
    mosaic
        The faces and claims.
    size_m2
        The area of each cell as it came.
    rank
        The order of the codes: the lower wins a tie.
    largest_loss
        Share of its area that a cell should not lose.
    """

    def __init__(
        self, mosaic: Mosaic, size_m2: NDArray[np.float64], rank: Index, largest_loss: float
    ) -> None:
        self._mosaic, self._size, self._rank = mosaic, size_m2, rank
        sizes = mosaic.claims.sizes()
        self.owner: Index = np.full(len(mosaic.faces), -1, dtype=np.int64)
        """Row of the cell that has each face, -1 while undecided or unclaimed."""
        exclusive = np.flatnonzero(sizes == 1)
        self.owner[exclusive] = mosaic.claims.values[mosaic.claims.starts[exclusive]]
        self._contested = np.flatnonzero(sizes > 1)
        has_own = np.zeros(len(size_m2), dtype=bool)
        has_own[self.owner[exclusive]] = True
        self._inner = ~has_own
        self._left = np.zeros(len(size_m2))
        claimant = np.repeat(np.arange(len(size_m2)), mosaic.claimed.sizes())
        np.add.at(self._left, claimant, mosaic.size[mosaic.claimed.values])
        self._floor = (1 - largest_loss) * self._left
        self._lost: dict[int, set[int]] = {}

    def decide(self) -> list[Award]:
        """Award every contested face.

        A cell without ground of its own (contained in others) gets its ground, the smallest first. Otherwise
        the claimant with the longest border to its own ground wins, unless that would cut another claimant
        into more pieces or take too much of it; the lowest code on a tie.
        """
        waiting = self._lots()
        awards: list[Award] = []
        while waiting:
            later: list[tuple[list[int], list[int]]] = []
            for lot, claimants in waiting:
                winner = self._best(lot, claimants, forced=False)
                if winner is None:
                    later.append((lot, claimants))
                else:
                    awards.append(self._award(lot, claimants, winner))
            if len(later) == len(waiting):
                lot, claimants = later.pop(0)
                winner = self._best(lot, claimants, forced=True)
                assert winner is not None
                awards.append(self._award(lot, claimants, winner))
            waiting = later
        return awards

    def _lots(self) -> list[tuple[list[int], list[int]]]:
        """Return connected faces with the same claimants, those of contained cells first."""
        claims = self._mosaic.claims
        kinds: dict[bytes, int] = {}
        kind = np.full(len(self.owner), -1, dtype=np.int64)
        for face in self._contested.tolist():
            kind[face] = kinds.setdefault(claims.of(face).tobytes(), len(kinds))
        left, right = self._mosaic.pairs()
        same = (kind[left] >= 0) & (kind[left] == kind[right])
        label = components(len(self.owner), left[same], right[same])[self._contested]
        grouped = Lists.group(
            np.unique(label, return_inverse=True)[1], self._contested, len(np.unique(label))
        )
        lots = []
        for row in range(len(grouped.starts) - 1):
            lot = grouped.of(row)
            claimants = claims.of(int(lot[0])).tolist()
            inner = any(self._inner[c] for c in claimants)
            lots.append(
                (not inner, len(claimants), -float(self._mosaic.size[lot].sum()), lot.tolist(), claimants)
            )
        lots.sort()
        return [(lot, claimants) for *_, lot, claimants in lots]

    def _best(self, lot: list[int], claimants: list[int], *, forced: bool) -> int | None:
        """Return the winner, or None while no claimant has ground beside the lot."""
        border = dict.fromkeys(claimants, 0.0)
        for face in lot:
            for other, metres in self._mosaic.neighbours(face):
                if int(self.owner[other]) in border:
                    border[int(self.owner[other])] += metres
        candidates = [c for c in claimants if forced or self._inner[c] or border[c] > 0]
        if not candidates:
            return None
        harm = {c: self._harm(c, lot) for c in claimants}

        def preference(c: int) -> tuple[float, bool, float, float, int]:
            done = sum(harm[d] for d in claimants if d != c)
            inner = bool(self._inner[c])
            return (
                round(done, 3),
                not inner,
                float(self._size[c]) if inner else 0.0,
                -round(border[c], 6),
                int(self._rank[c]),
            )

        return min(candidates, key=preference)

    def _harm(self, cell: int, lot: list[int]) -> float:
        """Return the m² that a cell loses with the lot beyond the lot itself.

        That is ground cut off from the cell, and what it then lacks of the least it should keep; 0 where it
        stays whole and large enough, infinity where nothing of it would remain.
        """
        left = self._left[cell] - float(self._mosaic.size[lot].sum())
        if left <= self._left[cell] * 1e-9:
            return np.inf
        gone = set(lot)
        lost = self._lost.get(cell, set())
        held = {f for f in self._mosaic.claimed.of(cell).tolist() if f not in gone and f not in lost}
        edge = {n for face in lot for n, _ in self._mosaic.neighbours(face) if n in held}
        cut_off = 0.0
        if not connected(self._mosaic, edge, held):
            sizes = [float(self._mosaic.size[piece].sum()) for piece in pieces_of(self._mosaic, edge, held)]
            cut_off = sum(sizes) - max(sizes)
        return cut_off + max(0.0, float(self._floor[cell] - left) + cut_off)

    def _award(self, lot: list[int], claimants: list[int], winner: int) -> Award:
        ground = float(self._mosaic.size[lot].sum())
        self.owner[lot] = winner
        for cell in claimants:
            if cell != winner:
                self._left[cell] -= ground
                self._lost.setdefault(cell, set()).update(lot)
        return Award(lot, claimants, winner)

    def rejoin(self, pieces: Index, max_growth: float) -> list[Award]:
        """Hand fragments that were cut off from their cell to the neighbour with the longest border.

        A fragment that fits no neighbour stays, and its cell in pieces.

        Parameters
        ----------
        pieces
            How many pieces each cell may have; the largest stay.
        max_growth
            Share of its own area by which a fragment may make a cell grow.
        """
        awards: list[Award] = []
        for cell, fragments in self._fragments(pieces):
            for fragment in fragments:
                fits = float(self._mosaic.size[fragment].sum()) <= max_growth * self._size
                winner = longest_border(
                    self._mosaic, self.owner, fragment, exclude=cell, rank=self._rank, fits=fits
                )
                if winner is None:
                    continue
                self.owner[fragment] = winner
                awards.append(Award(fragment, [cell], winner))
        return awards

    def _fragments(self, pieces: Index) -> list[tuple[int, list[list[int]]]]:
        """Return the cells in more pieces than allowed, with the pieces beyond the largest."""
        left, right = self._mosaic.pairs()
        same = (self.owner[left] >= 0) & (self.owner[left] == self.owner[right])
        label = components(len(self.owner), left[same], right[same])
        owned = np.flatnonzero(self.owner >= 0)
        roots, where = np.unique(label[owned], return_inverse=True)
        count = np.bincount(self.owner[roots], minlength=len(pieces))
        sizes = np.bincount(where, weights=self._mosaic.size[owned])
        result = []
        for cell in np.flatnonzero(count > np.maximum(pieces, 1)).tolist():
            mine = np.flatnonzero(self.owner[roots] == cell)
            mine = mine[np.lexsort((roots[mine], -sizes[mine]))][max(int(pieces[cell]), 1) :]
            result.append((cell, [owned[where == k].tolist() for k in mine.tolist()]))
        return result


def longest_border(
    mosaic: Mosaic,
    owner: Index,
    ground: Iterable[int],
    *,
    exclude: int = -1,
    rank: Index,
    fits: NDArray[np.bool_] | None = None,
) -> int | None:
    """Return the cell with the longest border to connected faces and allowed to have them, or None.

    Parameters
    ----------
    mosaic, owner
        The faces and the row of the cell that has each.
    ground
        The faces.
    exclude
        A cell that does not count.
    rank
        The lower wins a tie.
    fits
        Per cell whether it may grow; all may when not given.
    """
    faces = list(ground)
    border: dict[int, float] = {}
    for face in faces:
        for other, metres in mosaic.neighbours(face):
            cell = int(owner[other])
            if cell not in (-1, exclude):
                border[cell] = border.get(cell, 0.0) + metres
    options = [
        cell
        for cell in border
        if (fits is None or fits[cell]) and all(mosaic.allows(face, cell) for face in faces)
    ]
    return min(options, key=lambda c: (-round(border[c], 6), int(rank[c])), default=None)


def pieces_of(mosaic: Mosaic, starts: set[int], within: set[int]) -> list[list[int]]:
    """Return the connected pieces of a set of faces that hold the starts."""
    pieces, seen = [], set[int]()
    for start in sorted(starts):
        if start in seen:
            continue
        piece, front = [start], [start]
        seen.add(start)
        while front:
            for other, _ in mosaic.neighbours(front.pop()):
                if other in within and other not in seen:
                    seen.add(other)
                    piece.append(other)
                    front.append(other)
        pieces.append(piece)
    return pieces


def connected(mosaic: Mosaic, goals: set[int], within: set[int]) -> bool:
    """Tell whether all goals hang together across edges of faces within a set."""
    if len(goals) <= 1:
        return True
    start = min(goals)
    missing, reached, front = goals - {start}, {start}, [start]
    while front and missing:
        for other, _ in mosaic.neighbours(front.pop()):
            if other in within and other not in reached:
                reached.add(other)
                missing.discard(other)
                front.append(other)
    return not missing
