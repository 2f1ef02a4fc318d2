"""Resolution of overlaps: which cell keeps each face that several cells cover."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.topology.face_graph import FaceGraph, RaggedArray


@dataclass(frozen=True, eq=False)
class Reassignment:
    """Connected faces, who claimed or lost them, and the cell that got them."""

    faces: list[int]
    previous_cells: list[int]
    assigned_cell: int


class OverlapResolver:
    """The cells of the faces while overlapped ones are being assigned.

    Parameters
    ----------
    face_graph
        The faces and claims.
    size_m2
        The area of each cell as it came.
    rank
        The order of the codes: the lower wins a tie.
    max_loss_share
        Share of its area that a cell should not lose.
    """

    def __init__(
        self, face_graph: FaceGraph, size_m2: FloatArray, rank: IntArray, max_loss_share: float
    ) -> None:
        self._face_graph, self._cell_area_m2, self._rank = face_graph, size_m2, rank
        sizes = face_graph.candidate_cells.lengths()
        self.cell_of_face: IntArray = np.full(len(face_graph.faces), -1, dtype=np.int64)
        """Row of the cell that has each face, -1 while undecided or unclaimed."""
        exclusive = np.flatnonzero(sizes == 1)
        self.cell_of_face[exclusive] = face_graph.candidate_cells.values[
            face_graph.candidate_cells.offsets[exclusive]
        ]
        self._overlapped_faces = np.flatnonzero(sizes > 1)
        has_own = np.zeros(len(size_m2), dtype=bool)
        has_own[self.cell_of_face[exclusive]] = True
        self._is_contained = ~has_own
        self._remaining_m2 = np.zeros(len(size_m2))
        claimant = np.repeat(np.arange(len(size_m2)), face_graph.candidate_faces.lengths())
        np.add.at(self._remaining_m2, claimant, face_graph.area_m2[face_graph.candidate_faces.values])
        self._min_remaining_m2 = (1 - max_loss_share) * self._remaining_m2
        self._lost_faces: dict[int, set[int]] = {}

    def resolve(self) -> list[Reassignment]:
        """Assign every overlapped face.

        A cell without ground of its own (contained in others) gets its ground, the smallest first. Otherwise
        the claimant with the longest border to its own ground wins, unless that would cut another claimant
        into more pieces or take too much of it; the lowest code on a tie.
        """
        waiting = self._face_groups()
        reassignments: list[Reassignment] = []
        while waiting:
            later: list[tuple[list[int], list[int]]] = []
            for face_group, claimants in waiting:
                winner = self._choose_cell(face_group, claimants, forced=False)
                if winner is None:
                    later.append((face_group, claimants))
                else:
                    reassignments.append(self._reassign(face_group, claimants, winner))
            if len(later) == len(waiting):
                face_group, claimants = later.pop(0)
                winner = self._choose_cell(face_group, claimants, forced=True)
                assert winner is not None
                reassignments.append(self._reassign(face_group, claimants, winner))
            waiting = later
        return reassignments

    def _face_groups(self) -> list[tuple[list[int], list[int]]]:
        """Return connected faces with the same claimants, those of contained cells first."""
        claims = self._face_graph.candidate_cells
        kinds: dict[bytes, int] = {}
        kind = np.full(len(self.cell_of_face), -1, dtype=np.int64)
        for face in self._overlapped_faces.tolist():
            kind[face] = kinds.setdefault(claims.values_of(face).tobytes(), len(kinds))
        label = self._components_of_equal(kind)[self._overlapped_faces]
        grouped = RaggedArray.from_pairs(
            np.unique(label, return_inverse=True)[1], self._overlapped_faces, len(np.unique(label))
        )
        face_groups = []
        for row in range(len(grouped.offsets) - 1):
            face_group = grouped.values_of(row)
            claimants = claims.values_of(int(face_group[0])).tolist()
            has_contained = any(self._is_contained[c] for c in claimants)
            face_groups.append(
                (
                    not has_contained,
                    len(claimants),
                    -float(self._face_graph.area_m2[face_group].sum()),
                    face_group.tolist(),
                    claimants,
                )
            )
        face_groups.sort()
        return [(face_group, claimants) for *_, face_group, claimants in face_groups]

    def _choose_cell(self, face_group: list[int], claimants: list[int], *, forced: bool) -> int | None:
        """Return the winner, or None while no claimant has a face beside the group."""
        border = dict.fromkeys(claimants, 0.0)
        for face in face_group:
            for other, metres in self._face_graph.neighbours(face):
                if int(self.cell_of_face[other]) in border:
                    border[int(self.cell_of_face[other])] += metres
        candidates = [c for c in claimants if forced or self._is_contained[c] or border[c] > 0]
        if not candidates:
            return None
        cost = {c: self._cost_m2(c, face_group) for c in claimants}

        def preference(c: int) -> tuple[float, bool, float, float, int]:
            done = sum(cost[d] for d in claimants if d != c)
            inner = bool(self._is_contained[c])
            return (
                round(done, 3),
                not inner,
                float(self._cell_area_m2[c]) if inner else 0.0,
                -round(border[c], 6),
                int(self._rank[c]),
            )

        return min(candidates, key=preference)

    def _cost_m2(self, cell: int, face_group: list[int]) -> float:
        """Return the m² that a cell loses with the group beyond the group itself.

        That is ground cut off from the cell, and what it then lacks of the least it should keep; 0 where it
        stays whole and large enough, infinity where nothing of it would remain.
        """
        remaining_m2 = self._remaining_m2[cell] - float(self._face_graph.area_m2[face_group].sum())
        if remaining_m2 <= self._remaining_m2[cell] * 1e-9:
            return np.inf
        removed = set(face_group)
        lost = self._lost_faces.get(cell, set())
        held = {
            f
            for f in self._face_graph.candidate_faces.values_of(cell).tolist()
            if f not in removed and f not in lost
        }
        edge = {n for face in face_group for n, _ in self._face_graph.neighbours(face) if n in held}
        cut_off = 0.0
        if not are_connected(self._face_graph, edge, held):
            sizes = [
                float(self._face_graph.area_m2[piece].sum())
                for piece in connected_pieces(self._face_graph, edge, held)
            ]
            cut_off = sum(sizes) - max(sizes)
        return cut_off + max(0.0, float(self._min_remaining_m2[cell] - remaining_m2) + cut_off)

    def _reassign(self, face_group: list[int], claimants: list[int], winner: int) -> Reassignment:
        group_m2 = float(self._face_graph.area_m2[face_group].sum())
        self.cell_of_face[face_group] = winner
        for cell in claimants:
            if cell != winner:
                self._remaining_m2[cell] -= group_m2
                self._lost_faces.setdefault(cell, set()).update(face_group)
        return Reassignment(face_group, claimants, winner)

    def reassign_fragments(self, allowed_parts: IntArray, max_growth: float) -> list[Reassignment]:
        """Hand fragments that were cut off from their cell to the neighbour with the longest border.

        A fragment that fits no neighbour stays, and its cell in pieces.

        Parameters
        ----------
        allowed_parts
            How many pieces each cell may have; the largest stay.
        max_growth
            Share of its own area by which a fragment may make a cell grow.
        """
        reassignments: list[Reassignment] = []
        for cell, fragments in self._find_fragments(allowed_parts):
            for fragment in fragments:
                may_grow = float(self._face_graph.area_m2[fragment].sum()) <= max_growth * self._cell_area_m2
                winner = cell_with_longest_border(
                    self._face_graph,
                    self.cell_of_face,
                    fragment,
                    exclude=cell,
                    rank=self._rank,
                    may_grow=may_grow,
                )
                if winner is None:
                    continue
                self.cell_of_face[fragment] = winner
                reassignments.append(Reassignment(fragment, [cell], winner))
        return reassignments

    def _components_of_equal(self, number: IntArray) -> IntArray:
        """Label the faces that are connected through faces of the same number; -1 is connected to nothing."""
        borders = self._face_graph.borders
        left, right = borders.rows(), borders.neighbours
        return borders.select((number[left] >= 0) & (number[left] == number[right])).components()

    def _find_fragments(self, allowed_parts: IntArray) -> list[tuple[int, list[list[int]]]]:
        """Return the cells in more pieces than allowed, with the pieces beyond the largest."""
        label = self._components_of_equal(self.cell_of_face)
        owned = np.flatnonzero(self.cell_of_face >= 0)
        roots, where = np.unique(label[owned], return_inverse=True)
        count = np.bincount(self.cell_of_face[roots], minlength=len(allowed_parts))
        sizes = np.bincount(where, weights=self._face_graph.area_m2[owned])
        result = []
        for cell in np.flatnonzero(count > np.maximum(allowed_parts, 1)).tolist():
            mine = np.flatnonzero(self.cell_of_face[roots] == cell)
            mine = mine[np.lexsort((roots[mine], -sizes[mine]))][max(int(allowed_parts[cell]), 1) :]
            result.append((cell, [owned[where == k].tolist() for k in mine.tolist()]))
        return result


def cell_with_longest_border(
    face_graph: FaceGraph,
    cell_of_face: IntArray,
    face_group: Iterable[int],
    *,
    exclude: int = -1,
    rank: IntArray,
    may_grow: BoolArray | None = None,
) -> int | None:
    """Return the cell with the longest border to connected faces and allowed to have them, or None.

    Parameters
    ----------
    face_graph, cell_of_face
        The faces and the row of the cell that has each.
    face_group
        The faces.
    exclude
        A cell that does not count.
    rank
        The lower wins a tie.
    may_grow
        Per cell whether it may grow; all may when not given.
    """
    faces = list(face_group)
    border: dict[int, float] = {}
    for face in faces:
        for other, metres in face_graph.neighbours(face):
            cell = int(cell_of_face[other])
            if cell not in (-1, exclude):
                border[cell] = border.get(cell, 0.0) + metres
    options = [
        cell
        for cell in border
        if (may_grow is None or may_grow[cell]) and all(face_graph.is_allowed(face, cell) for face in faces)
    ]
    return min(options, key=lambda c: (-round(border[c], 6), int(rank[c])), default=None)


def connected_pieces(face_graph: FaceGraph, starts: set[int], within: set[int]) -> list[list[int]]:
    """Return the connected pieces of a set of faces that hold the starts."""
    pieces, seen = [], set[int]()
    for start in sorted(starts):
        if start not in seen:
            piece = list(_reachable_faces(face_graph, start, within))
            seen.update(piece)
            pieces.append(piece)
    return pieces


def are_connected(face_graph: FaceGraph, targets: set[int], within: set[int]) -> bool:
    """Return whether faces are connected across edges of faces within a set."""
    missing = set(targets)
    if len(missing) <= 1:
        return True
    for face in _reachable_faces(face_graph, min(targets), within):
        missing.discard(face)
        if not missing:
            return True
    return False


def _reachable_faces(face_graph: FaceGraph, start: int, within: set[int]) -> Iterator[int]:
    """Walk from a face to all faces that are connected to it within a set."""
    # Few faces each time, and rarely to the end: a matrix of the whole graph would cost more than the walk.
    reached, front = {start}, [start]
    yield start
    while front:
        for other, _ in face_graph.neighbours(front.pop()):
            if other in within and other not in reached:
                reached.add(other)
                front.append(other)
                yield other
