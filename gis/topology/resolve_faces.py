"""The settlement of all ground: contests, fragments, blanks and shares in their order, on one mosaic."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.topology.face_graph import Index, Mosaic, make_mosaic
from gis.topology.fill_blanks import Blank, fill_blanks
from gis.topology.overlap_resolution import Award, Contest
from gis.topology.polygon_layer import Geometries, Records
from gis.topology.split_blanks import NO_SHARES, Shares, share_out, shares_of


@dataclass(frozen=True, eq=False)
class Terms:
    """What a repair goes by: per cell its area's row, m², pieces and rank of the code; and the limits."""

    home: Index
    size_m2: NDArray[np.float64]
    pieces: Index
    rank: Index
    max_width_m: float
    max_area_change: float

    @classmethod
    def of(cls, records: Records, home: Index, max_width_m: float, max_area_change: float) -> "Terms":
        """Take them from the records as they came."""
        rank = np.empty(len(records), dtype=np.int64)
        rank[np.argsort(records.codes.astype(str), kind="stable")] = np.arange(len(records))
        pieces = shapely.get_num_geometries(records.polygons).astype(np.int64)
        return cls(home, shapely.area(records.polygons), pieces, rank, max_width_m, max_area_change)


@dataclass(frozen=True, eq=False)
class Outcome:
    """Who has each face in the end, and how that came about."""

    mosaic: Mosaic
    owner: Index
    awards: list[Award]
    fragments: list[Award]
    blanks: list[Blank]


def settle(
    records: Records, areas: Records | None, terms: Terms, cuts: Geometries, *, passes: int = 1
) -> Outcome:
    """Give all ground to cells.

    Narrow blanks that are too large for any one neighbour are shared by all, which takes a second mosaic.

    Parameters
    ----------
    records, areas
        The cells and maybe areas, in the same working CRS.
    terms
        What to go by.
    cuts, passes
        See `make_mosaic`.
    """
    outcome = _award(records, areas, terms, NO_SHARES, cuts, passes)
    too_large = [one for one in outcome.blanks if one.winner < 0 and one.narrow]
    shares = share_out(outcome.mosaic, outcome.owner, too_large)
    return _award(records, areas, terms, shares, cuts, passes) if len(shares.cells) else outcome


def _award(
    records: Records, areas: Records | None, terms: Terms, shares: Shares, cuts: Geometries, passes: int
) -> Outcome:
    """Cut the ground into faces and give each to a cell."""
    mosaic = make_mosaic(records, areas, terms.home, np.concatenate([shares.lines, cuts]), passes=passes)
    contest = Contest(mosaic, terms.size_m2, terms.rank, terms.max_area_change)
    awards = contest.decide()
    fragments = contest.rejoin(terms.pieces, terms.max_area_change)
    owner, blanks = fill_blanks(
        mosaic,
        contest.owner,
        size_m2=terms.size_m2,
        rank=terms.rank,
        max_width_m=terms.max_width_m,
        max_growth=terms.max_area_change,
        share=shares_of(mosaic, contest.owner, shares),
    )
    return Outcome(mosaic, owner, awards, fragments, blanks)
