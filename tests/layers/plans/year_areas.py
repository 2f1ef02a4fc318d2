"""The areas of the district in which a year is lived, and how they change."""

from random import Random

import geopandas as gpd

from gis.crs import LONLAT
from tests.layers.plans.naive_year import Ground
from tests.layers.squares import COUNTY, EAST_TOWN, SQUARES_OF, WEST_TOWN, join

SQUARES = frozenset(SQUARES_OF[COUNTY])
COMMUNITY_OF = {square: f"440304{1 + square[0] // 2:03}{1 + square[0]:03}" for square in SQUARES}
AREAS = {
    COUNTY: Ground("county", None, SQUARES),
    **{code: Ground("town", COUNTY, frozenset(SQUARES_OF[code])) for code in (WEST_TOWN, EAST_TOWN)},
    **{
        code: Ground("village", code[:9], frozenset(each for each in SQUARES if COMMUNITY_OF[each] == code))
        for code in sorted(set(COMMUNITY_OF.values()))
    },
}
"""A community for each column, two in each town."""

Changes = dict[str, Ground | None]


def draw_changes(areas: dict[str, Ground], rng: Random, new: str) -> Changes:
    """Merge or part areas, with a code for what is founded; nothing where what is drawn is impossible."""
    level = rng.choice(["town", "village", "village", "village"])
    code = rng.choice(sorted(each for each, ground in areas.items() if ground.level == level))
    _, parent, squares = areas[code]
    beside = [
        each
        for each, ground in areas.items()
        if each != code
        and ground[:2] == (level, parent)
        and join(sorted(squares | ground.squares)).geom_type == "Polygon"
    ]
    kind = rng.choice(["merge", "absorb", "split", "part"])
    if level == "town":
        below = {each: ground for each, ground in areas.items() if ground.level == "village"}
        if not beside:
            return {}
        return {
            code: None,
            beside[0]: None,
            new: Ground("town", COUNTY, SQUARES),
            **{each: ground._replace(parent=new) for each, ground in below.items()},
        }
    if kind in ("merge", "absorb") and beside:
        other = rng.choice(sorted(beside))
        union = Ground(level, parent, squares | areas[other].squares)
        return {code: None, other: None, new: union} if kind == "merge" else {other: None, code: union}
    if kind in ("split", "part") and len(squares) > 1:
        one = frozenset(sorted(squares)[: rng.randint(1, len(squares) - 1)])
        rest = Ground(level, parent, squares - one)
        first = Ground(level, parent, one)
        return {code: None, new: first, f"{new}0": rest} if kind == "split" else {code: rest, new: first}
    return {}


def frame_of(areas: dict[str, Ground]) -> gpd.GeoDataFrame:
    """Return areas as an import takes them."""
    return gpd.GeoDataFrame(
        {
            "code": list(areas),
            "name": list(areas),
            "level": [each.level for each in areas.values()],
            "parent": [each.parent for each in areas.values()],
        },
        geometry=[join(sorted(each.squares)) for each in areas.values()],
        crs=LONLAT,
    )
