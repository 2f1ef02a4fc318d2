"""Who is responsible for locations: the posts at their cells and above, without who is away, and masked."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from api.locate.ownership import Ownership
from api.schemas.masking import mask_personal
from layers.db.database import Database
from layers.snapshot import AreaTree, Snapshot
from layers.snapshot.areas import AreaLabel
from layers.staff.published import officer_name, officer_phone
from layers.staff.responsible import GroupLabel, HeldPost, Responsibility, read_responsibility

Officers = Sequence[Mapping[str, Any]]
"""Who is responsible at a place: leaders first, and A before B."""

_KEYS = ("external_id", "name", "phone")
_CELL_COLUMNS = ("officer_id", "officer_name", "officer_phone")


class SchemeOfficers(NamedTuple):
    """Who is responsible in the cells of a scheme and above them.

    Attributes
    ----------
    cells, areas
        By their codes; those that were asked for.
    groups
        By their codes; those in which there are such cells.
    group_of
        The group of a cell, by the code of the cell.
    """

    cells: Mapping[str, Officers]
    areas: Mapping[str, Officers]
    groups: Mapping[str, Officers]
    group_of: Mapping[str, GroupLabel]

    def members(self) -> dict[str, Any]:
        """Return what an answer of many locations tells, beside the chains of areas."""
        return {
            "officers": self.cells,
            "groups": {code: group.code for code, group in self.group_of.items()},
            "group_officers": self.groups,
            "area_officers": self.areas,
        }


def read_officers(
    database: Database, snapshot: Snapshot, codes: Mapping[str, Mapping[str, str | None]], day: date
) -> dict[str, SchemeOfficers]:
    """Read who is responsible on a day, with a few queries for each scheme.

    Parameters
    ----------
    codes
        The areas of cells by the codes of these, by the code of their scheme; those that are listed are in
        the answer.
    """
    found: dict[str, SchemeOfficers] = {}
    tree = snapshot.areas_on(day)
    told = _Told()
    with database.read() as session:
        for scheme, cells in codes.items():
            areas = {each.code for code in set(cells.values()) for each in tree.chain(code)}
            held = Responsibility({}, {}, {}, {})
            if cells:
                held = read_responsibility(session, snapshot.schemes[scheme].id, cells, areas, day)
            groups = {group.code: group.id for group in held.group_of.values()}
            found[scheme] = SchemeOfficers(
                {code: told.records(held.cells.get(code, ()), "cell", code) for code in cells},
                {
                    each.code: told.records(held.areas.get(each.code, ()), each.level, each.code)
                    for each in _distinct(tree, cells.values())
                },
                {
                    code: told.records(held.groups.get(number, ()), "group", code)
                    for code, number in groups.items()
                },
                held.group_of,
            )
    return found


def officers_above(
    officers: SchemeOfficers, cell: str, areas: Sequence[AreaLabel]
) -> list[Mapping[str, Any]]:
    """Return who is responsible for a cell at every level, from the cell upwards."""
    group = officers.group_of.get(cell)
    above = [officers.areas.get(area.code, ()) for area in areas]
    if group is not None:
        above.insert(group.position_in(areas), officers.groups[group.code])
    return [record for held in (officers.cells.get(cell, ()), *above) for record in held]


class OfficerColumns:
    """What tables say of the first who is responsible at each level, by the positions of cells.

    Parameters
    ----------
    found, officers
        The owners of locations under a scheme, and who is responsible there.
    areas
        Those of the day, whose levels have columns of their own.
    """

    def __init__(self, found: Ownership, officers: SchemeOfficers, areas: AreaTree) -> None:
        self._found, self._officers = found, officers
        self._areas = areas
        self._levels = list(dict.fromkeys(each.level for each in _lowest_first(areas, found)))
        self.names = [*_CELL_COLUMNS]
        for level in ("group", *self._levels):
            self.names += [f"{level}_{name}" for name in _CELL_COLUMNS]

    def values(self) -> list[list[str | None]]:
        """Return for each column the value of each cell by its position, and at last of none."""
        cells = self._found.cells
        columns: list[list[str | None]] = [[None] * (len(cells) + 1) for _ in self.names]
        for position in self._found.distinct_cells():
            code, officers = cells.locator.codes[position], self._officers
            group = officers.group_of.get(code)
            firsts = {
                area.level: officers.areas.get(area.code, ())
                for area in self._areas.chain(cells.area_codes[position])
            }
            at_levels = [
                officers.cells.get(code, ()),
                () if group is None else officers.groups[group.code],
                *(firsts.get(level, ()) for level in self._levels),
            ]
            for level, held in enumerate(at_levels):
                for offset, key in enumerate(_KEYS):
                    if held:
                        columns[3 * level + offset][position] = held[0][key]
        return columns


def _distinct(areas: AreaTree, area_codes: Iterable[str | None]) -> list[AreaLabel]:
    found = {each.code: each for code in set(area_codes) for each in areas.chain(code)}
    return [found[code] for code in sorted(found)]


def _lowest_first(areas: AreaTree, found: Ownership) -> list[AreaLabel]:
    """Return the areas of all cells of a scheme and those above, those with the longest chains first.

    So the columns of a table depend on the scheme, and not on the locations that are asked for.
    """
    above = _distinct(areas, found.cells.area_codes.tolist())
    return sorted(above, key=lambda each: -len(areas.chain(each.code)))


class _Told:
    """What answers tell of posts; of an officer who has many it is found once."""

    def __init__(self) -> None:
        self._of_officer: dict[int, tuple[str | None, str | None]] = {}

    def records(self, held: Iterable[HeldPost], level: str, place: str) -> list[dict[str, Any]]:
        """Return the posts of those who are not away."""
        return [self._record(post, level, place) for post in held if not post.absent]

    def _record(self, post: HeldPost, level: str, place: str) -> dict[str, Any]:
        officer = post.officer
        told = self._of_officer.get(officer.id)
        if told is None:
            masked = mask_personal(officer.personal)
            told = officer_name(officer, masked), officer_phone(officer, masked)
            self._of_officer[officer.id] = told
        return {
            "officer_id": officer.id,
            "external_id": officer.external_id,
            "level": level,
            "place": place,
            "duty": post.duty,
            "rank": post.rank,
            "acting": post.acting,
            "name": post.published_name or told[0],
            "phone": post.published_phone or told[1],
        }
