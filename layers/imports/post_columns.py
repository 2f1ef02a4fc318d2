"""The columns of a table of officers that say where the post of a row is, and what it publishes."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gis.codes import normalize_codes
from layers.fields.columns import find_column
from layers.imports.rejections import RejectionReason
from layers.staff.appointments import PlaceKey, SchemePlaces
from layers.staff.posts import DUTIES, RANKS

DUTY_FIELDS = ("duty", "role", "职务")
RANK_FIELDS = ("rank", "级别")
CELL_FIELDS = ("cell_code", "网格编码")
GROUP_FIELDS = ("group_code", "片区编码")
POST_AREA_FIELDS = ("post_area_code", "岗位区划编码")
ENTITY_FIELDS = ("entity_id", "对象编号")
ENTITY_KIND_FIELDS = ("entity_kind", "对象类型")
PART_TIME_FIELDS = ("part_time", "兼职")
BEGIN_FIELDS = ("post_from", "任职日期")
END_FIELDS = ("post_to", "离任日期")
NAME_FIELDS = ("published_name", "公示姓名")
PHONE_FIELDS = ("published_phone", "公示电话")
PUBLISHED_FIELDS = frozenset((*NAME_FIELDS, *PHONE_FIELDS))

_YES = frozenset({"true", "yes", "1", "1.0", "是", "y"})
_NO = frozenset({"false", "no", "0", "0.0", "否", "n", ""})


class PostRow(NamedTuple):
    """What a row says of a post.

    `key` tells the rows of one officer apart; `faults` are the reasons for which it cannot be taken, and one
    that `is_contradictory` names two places, or neither full nor part time.
    """

    duty: str | None
    rank: str
    places: Sequence[PlaceKey]
    part_time: bool
    published: Mapping[str, str | None]
    begins: date | None
    ends: date | None
    key: Hashable
    is_contradictory: bool
    faults: Mapping[RejectionReason, bool]

    def appointment(self, officer: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of an `Appointment`; what the officer publishes alike is not repeated.

        Parameters
        ----------
        officer
            The attributes of the officer, from the first row.
        """
        publishes = {
            "published_name": next((officer[each] for each in NAME_FIELDS if officer.get(each)), None),
            "published_phone": next((officer[each] for each in PHONE_FIELDS if officer.get(each)), None),
        }
        return {
            "duty": self.duty,
            "rank": self.rank,
            "places": self.places,
            "part_time": self.part_time,
            **{name: None if text == str(publishes[name]) else text for name, text in self.published.items()},
            "begins": self.begins,
            "ends": self.ends,
        }


class PostColumns:
    """The columns of a table that are about posts.

    A row names one place or none: `cell_code`, `group_code`, `post_area_code`, or `entity_kind` and
    `entity_id`. What officers publish stays among their attributes, too.

    Parameters
    ----------
    table
        A row for each officer or post.
    places
        The places of the scheme in which there are to be posts; None if none are given.
    """

    def __init__(self, table: pd.DataFrame, places: SchemePlaces | None) -> None:
        self._places = places
        fields = [str(name) for name in table.columns]
        found = {
            name: find_column(fields, names)
            for name, names in (
                ("duty", DUTY_FIELDS),
                ("rank", RANK_FIELDS),
                ("cell", CELL_FIELDS),
                ("group", GROUP_FIELDS),
                ("area", POST_AREA_FIELDS),
                # Whose identity it is else: a table of officers may well call its own like this.
                ("kind", ENTITY_KIND_FIELDS),
                ("part_time", PART_TIME_FIELDS),
                ("begins", BEGIN_FIELDS),
                ("ends", END_FIELDS),
            )
        }
        found["entity"] = None if found["kind"] is None else find_column(fields, ENTITY_FIELDS)
        # Where no posts are given the rest stays with what else is known of the officers.
        used = found if places is not None else ("duty", "rank")
        self.names = {field for name in used if (field := found[name]) is not None}
        self.levels = {"cell", "area", *(level for level in ("group", "entity") if found[level] is not None)}
        """Of what places the table tells: of groups and entities only if it has their columns."""
        published = {"name": find_column(fields, NAME_FIELDS), "phone": find_column(fields, PHONE_FIELDS)}
        self._texts = {
            name: np.full(len(table), "", dtype=object) if field is None else normalize_codes(table[field])
            for name, field in (found | published).items()
        }

    def read(self, row: int, area_code: str) -> PostRow:
        """Return what a row says; the post is in the officer's area where it names no place."""
        text = {name: str(values[row]).strip() for name, values in self._texts.items()}
        named = [name for name in ("cell", "group", "area", "entity") if text[name]]
        days = {name: _read_day(text[name]) for name in ("begins", "ends")}
        begins, ends = days["begins"], days["ends"]
        places = self._find_places(named, text, area_code) if text["duty"] else []
        part_time = text["part_time"].lower()
        return PostRow(
            text["duty"] or None,
            text["rank"] or "A",
            places,
            part_time in _YES,
            {"published_name": text["name"] or None, "published_phone": text["phone"] or None},
            begins,
            ends,
            (
                *(text[name] for name in ("cell", "group", "area", "kind", "entity")),
                *self._duty_of(named, text),
            ),
            len(named) > 1 or part_time not in _YES | _NO,
            {
                RejectionReason.unknown_duty: text["duty"] not in ("", *DUTIES)
                or text["rank"] not in ("", *RANKS),
                RejectionReason.unknown_place: bool(named) and self._places is not None and not places,
                RejectionReason.invalid_date: any(text[name] and days[name] is None for name in days)
                or (begins is not None and ends is not None and ends <= begins),
            },
        )

    def _duty_of(self, named: Sequence[str], text: Mapping[str, str]) -> tuple[str, ...]:
        # Of rows that name no place an officer has one.
        return (text["duty"], text["rank"]) if named else ()

    def _find_places(
        self, named: Sequence[str], text: Mapping[str, str], area_code: str
    ) -> Sequence[PlaceKey]:
        if self._places is None:
            return []
        if not named:
            return self._places.of_area(area_code)
        level = named[0]
        if level == "entity":
            return self._places.entity(text["kind"], text["entity"])
        find = {"cell": self._places.cell, "group": self._places.group, "area": self._places.area}[level]
        return find(text[level])


def _read_day(text: str) -> date | None:
    try:
        # A spreadsheet gives the time of the day as well.
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None
