"""The neighbour graph: polygons and the borders between them, in compressed sparse rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.graph.shared_borders import Pairs, find_shared_borders


@dataclass(frozen=True, eq=False)
class NeighbourGraph:
    """Which of n nodes are neighbours, and how long the border between them is.

    Each pair of neighbours stands twice, once with either node. Nodes are polygons by their positions, or
    groups of them.

    Attributes
    ----------
    offsets
        Shape (n + 1,): the neighbours of node k are ``neighbours[offsets[k]:offsets[k + 1]]``.
    neighbours
        Shape (m,), ascending for each node.
    length
        Shape (m,), length of the common border, aligned with `neighbours`; 0 where it is not known.
    """

    offsets: IntArray
    neighbours: IntArray
    length: FloatArray

    @classmethod
    def from_pairs(
        cls, count: int, i: IntArray, j: IntArray, length: FloatArray | None = None
    ) -> "NeighbourGraph":
        """Build the graph of `count` nodes from its edges.

        Parameters
        ----------
        i, j
            Nodes of each edge in any order; lengths of repeated edges add up, and an edge from a node to
            itself is left out.
        length
            Lengths of the edges; 0 when not given.
        """
        border = np.zeros(len(i)) if length is None else length
        foreign = i != j
        i, j, border = i[foreign].astype(np.int64), j[foreign].astype(np.int64), border[foreign]
        keys, entry = np.unique(np.r_[i * count + j, j * count + i], return_inverse=True)
        total = np.bincount(entry, weights=np.r_[border, border], minlength=len(keys)).astype(np.float64)
        offsets = np.searchsorted(keys, np.arange(count + 1, dtype=np.int64) * count)
        return cls(offsets.astype(np.int64), keys % max(count, 1), total)

    @classmethod
    def from_polygons(cls, geometries: ArrayLike, *, tolerance: float | None = None) -> "NeighbourGraph":
        """Build the graph of polygons that share a border; parameters as for `find_shared_borders`."""
        return cls.from_pairs(
            len(np.asarray(geometries, dtype=object)), *find_shared_borders(geometries, tolerance=tolerance)
        )

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.offsets) - 1

    def degrees(self) -> IntArray:
        """Return the number of neighbours of each node, shape (n,)."""
        return np.diff(self.offsets)

    def neighbours_of(self, node: int) -> IntArray:
        """Return the neighbours of a node, ascending."""
        return self.neighbours[self.offsets[node] : self.offsets[node + 1]]

    def lengths_of(self, node: int) -> FloatArray:
        """Return the lengths of a node's borders, aligned with `neighbours_of`."""
        return self.length[self.offsets[node] : self.offsets[node + 1]]

    def adjacency_lists(self) -> list[list[int]]:
        """Return the neighbours of all nodes as lists, over which plain loops are faster than over arrays."""
        offsets, neighbours = self.offsets.tolist(), self.neighbours.tolist()
        return [neighbours[offsets[node] : offsets[node + 1]] for node in range(len(self))]

    def rows(self) -> IntArray:
        """Return the node of each entry of `neighbours`, shape (m,)."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.degrees())

    def pairs(self) -> Pairs:
        """Return each pair of neighbours once, the lower first, sorted."""
        rows = self.rows()
        once = rows < self.neighbours
        return rows[once], self.neighbours[once]

    def select(self, kept: BoolArray) -> "NeighbourGraph":
        """Return the graph with some of the entries only, same nodes.

        Parameters
        ----------
        kept
            Shape (m,), for each entry of `neighbours`; both entries of a pair have the same value.
        """
        offsets = np.r_[0, np.cumsum(kept, dtype=np.int64)][self.offsets]
        return NeighbourGraph(offsets, self.neighbours[kept], self.length[kept])

    def subgraph(self, nodes: IntArray) -> "NeighbourGraph":
        """Return the graph of some nodes, numbered by their positions in `nodes` (ascending, each once)."""
        number = np.full(len(self), -1, dtype=np.int64)
        number[nodes] = np.arange(len(nodes))
        rows = self.rows()
        inside = (number[rows] >= 0) & (number[self.neighbours] >= 0)
        kept_rows = number[rows[inside]]
        offsets = np.searchsorted(kept_rows, np.arange(len(nodes) + 1)).astype(np.int64)
        return NeighbourGraph(offsets, number[self.neighbours[inside]], self.length[inside])

    def contract(self, groups: IntArray, count: int) -> "NeighbourGraph":
        """Return the graph of groups of nodes; borders between the same two groups add up.

        Parameters
        ----------
        groups
            The number of the group of each node, from 0, shape (n,).
        count
            How many groups there are.
        """
        rows = self.rows()
        once = rows < self.neighbours
        return NeighbourGraph.from_pairs(
            count, groups[rows[once]], groups[self.neighbours[once]], self.length[once]
        )

    def components(self) -> IntArray:
        """Label each node with the lowest node of its connected component, shape (n,)."""
        # Own code, because the first use of scipy's function costs more than the repair of a city's zones.
        left, right = self.pairs()
        label = np.arange(len(self), dtype=np.int64)
        while True:
            lower = np.minimum(label[left], label[right])
            further = label.copy()
            np.minimum.at(further, label[left], lower)
            np.minimum.at(further, label[right], lower)
            # A label is a node of its component, so following labels halves the way that is left.
            further = further[further]
            if np.array_equal(further, label):
                return label
            label = further
