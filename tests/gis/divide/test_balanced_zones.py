"""What a part of the units cannot be divided into is said with codes and loads, by its reason."""

import numpy as np
import pytest

from gis.balance import LoadTarget
from gis.divide.balanced_zones import PartUnits, partition_part
from gis.errors import InputError
from gis.graph import NeighbourGraph


@pytest.mark.parametrize(
    ("loads", "joined", "count", "cap", "message"),
    [
        ([1, 9, 1, 1], 3, 2, 5, r"unit 'b' alone holds 9.*, the cap is 5\."),
        ([3, 3, 3, 3], 3, 2, 5, r"it holds 12.*, the cap is 5; ask for 3 at least"),
        ([1, -1, 1, 1], 3, 2, 5, r"unit 'b' alone holds -1.*, not a number from 0 up"),
        ([1, 1, 1, 1], 3, 5, 5, r"it has 4 units; ask for fewer cells"),
        ([4, 1, 4, 1], 1, 2, 7, r"parts that share no border; ask for 3 at least"),
        ([2, 2, 1, 1], 3, 2, 3, r"No division of the town into 2 cells was found"),
    ],
)
def test_reasons(loads, joined, count, cap, message):
    i = np.arange(joined)
    graph = NeighbourGraph.from_pairs(4, i, i + 1, np.ones(joined))
    part = PartUnits(
        np.array(list("abcd"), dtype=object),
        graph,
        np.array(loads, dtype=float).reshape(-1, 1),
        np.ones(4),
        np.ones(4),
        np.zeros((4, 2)),
        np.full(4, -1),
        "the town",
    )
    with pytest.raises(InputError, match=message):
        partition_part(part, count, [LoadTarget("households", cap=cap)], seed=0, effort="quick")
