"""What an import of areas makes of them from a day on, before anything is written."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.area_changes import MOST, AreaChangeKind, AreaChanges, compare_areas, level_keys
from gis.areas import NESTING_TOLERANCE_M2, build_hierarchy, complete_parents, unite_children
from gis.arrays import BoolArray
from gis.crs import LONLAT, to_working_crs
from gis.errors import ConflictError, CoverageError, InputError
from gis.levels.members import is_same_ground
from gis.progress import Note, no_note
from layers.areas.versions import has_days
from layers.db.bulk import decode_geometries, raw_geometry
from layers.models import Area

COLUMNS = ("code", "name", "level", "parent")
_MAX_NAMED = 3


@dataclass(frozen=True, eq=False)
class AreaState:
    """The areas from a day on.

    Attributes
    ----------
    day
        The first day.
    founded, changed
        The areas that are new, and the new states of others: code, name, level, parent, geometry.
    starts
        The first days of the founded areas that have been there before the day; None for always.
    ended_ids
        The versions that end on the day.
    changes
        What changes, area by area.
    parents_m2
        By how much the parents that were made of their children changed, m².
    """

    day: date
    founded: gpd.GeoDataFrame
    changed: gpd.GeoDataFrame
    starts: dict[str, date | None]
    ended_ids: list[int]
    changes: AreaChanges
    parents_m2: dict[str, float]


def prepare_state(
    session: Session, frame: gpd.GeoDataFrame, day: date, *, is_dated: bool, unite: bool, note: Note = no_note
) -> AreaState:
    """Compare the areas of a frame with those of the database on a day.

    Parameters
    ----------
    frame
        As `layers.imports.areas.import_areas` takes it.
    is_dated
        Somebody has named the day, so that areas may end.
    unite
        Make every parent the union of its children.

    Raises
    ------
    InputError, CoverageError, ConflictError
        As `import_areas` raises.
    """
    known = _read_versions(session)
    before = known[_holds(known, day)].reset_index(drop=True)
    given = frame[[*COLUMNS, "geometry"]].reset_index(drop=True).astype(dict.fromkeys(COLUMNS, object))
    merged, parents_m2 = _merge(given, before, unite=unite, note=note)
    after = build_hierarchy(merged)
    changes = compare_areas(before, after)
    ended = [change.code for change in changes.changes if AreaChangeKind.ended in change.kinds]
    if ended and not is_dated:
        listed = ", ".join(ended[:_MAX_NAMED]) + (", ..." if len(ended) > _MAX_NAMED else "")
        raise InputError(
            f"{len(ended):,} areas would end, for others of the file take their ground ({listed}); "
            "name the first day of the new ones (--on)."
        )
    touched = {change.code for change in changes.changes}
    for code in before["code"][before["code"].isin(touched)]:
        _require_last(code, known, day)
    rows = {code: row for row, code in enumerate(before["code"])}
    is_new = ~after["code"].isin(before["code"]).to_numpy()
    founded = after[is_new].reset_index(drop=True)
    changed = after[~is_new & after["code"].isin(touched).to_numpy()].reset_index(drop=True)
    _require_unused(founded, known, day)
    starts = _find_starts(founded, after, before, known, changes, day, is_dated=is_dated, touched=touched)
    _check_later_days(known, after, touched, day)
    ended_ids = [int(before["id"][rows[code]]) for code in before["code"] if code in touched]
    return AreaState(day, founded, changed, starts, ended_ids, changes, parents_m2)


def _read_versions(session: Session) -> gpd.GeoDataFrame:
    """Read all versions that were, are or will be in force."""
    columns = [Area.id, *(getattr(Area, name) for name in COLUMNS), Area.valid_from, Area.valid_to]
    query = select(*columns, raw_geometry(session, Area.geometry)).where(has_days()).order_by(Area.id)
    rows = session.execute(query).all()
    names = ["id", *COLUMNS, "valid_from", "valid_to"]
    table = pd.DataFrame([tuple(row)[:-1] for row in rows], columns=names, dtype=object)
    return gpd.GeoDataFrame(table, geometry=decode_geometries(session, [row[-1] for row in rows]), crs=LONLAT)


def _holds(versions: gpd.GeoDataFrame, day: date) -> BoolArray:
    """Return which versions are in force on a day."""
    bounds = zip(versions["valid_from"], versions["valid_to"], strict=True)
    return np.array(
        [(start is None or start <= day) and (end is None or end > day) for start, end in bounds], dtype=bool
    )


def _merge(
    frame: gpd.GeoDataFrame, before: gpd.GeoDataFrame, *, unite: bool, note: Note
) -> tuple[gpd.GeoDataFrame, dict[str, float]]:
    """Return the areas of the frame, then those that stay beside, and by how much united parents changed."""
    columns = [*COLUMNS, "geometry"]
    replaced = _find_replaced(frame, before)
    others = before[~before["code"].isin([*frame["code"], *replaced])][columns].reset_index(drop=True)
    others["parent"] = _adopt_orphans(others, replaced)
    merged = frame if others.empty else pd.concat([frame, others], ignore_index=True)
    if not others.empty and frame["parent"].isna().all():
        parents = complete_parents(merged.assign(parent=None))["parent"].to_numpy(dtype=object, copy=True)
        parents[len(frame) :] = others["parent"].to_numpy(dtype=object)
        merged = merged.assign(parent=pd.Series(parents, dtype=object))
    merged = complete_parents(merged, note=note)
    if not unite:
        return merged, {}
    united = unite_children(merged)
    changed = {code: m2 for code, m2 in united.changed_m2.items() if m2 > NESTING_TOLERANCE_M2}
    shapes = np.where(merged["code"].isin(changed), united.areas.geometry, merged.geometry)
    return merged.set_geometry(gpd.GeoSeries(shapes, index=merged.index, crs=LONLAT)), changed


def _find_replaced(frame: gpd.GeoDataFrame, before: gpd.GeoDataFrame) -> dict[str, str]:
    """Return the areas beside the frame whose ground others of their level in it take, with these."""
    shapes = before.geometry.to_numpy()
    row_of = {code: row for row, code in enumerate(before["code"])}
    drawn = [
        row
        for row, (code, shape) in enumerate(zip(frame["code"], frame.geometry, strict=True))
        if shape is not None
        and shapely.is_valid(shape)
        and (code not in row_of or not shapely.equals_identical(shape, shapes[row_of[code]]))
    ]
    beside = np.flatnonzero(~before["code"].isin(frame["code"]).to_numpy())
    if not drawn or not len(beside):
        return {}
    new_keys, old_keys = level_keys(frame), level_keys(before)
    new = frame.geometry.to_numpy()[drawn]
    old = shapes[beside]
    taken: dict[str, dict[str, float]] = {}
    for there, here in zip(
        *(side.tolist() for side in shapely.STRtree(old).query(new, "intersects")), strict=True
    ):
        code, successor = before["code"].iloc[beside[here]], frame["code"].iloc[drawn[there]]
        if old_keys[code] == new_keys[successor]:
            share = shapely.area(shapely.intersection(new[there], old[here])) / shapely.area(old[here])
            taken.setdefault(code, {})[successor] = float(share)
    return {
        code: max(shares, key=shares.__getitem__)
        for code, shares in taken.items()
        if sum(shares.values()) > MOST
    }


def _adopt_orphans(others: gpd.GeoDataFrame, replaced: dict[str, str]) -> "pd.Series[Any]":
    """Return the parents of the areas that stay, with those that take the ground of parents that end."""
    return pd.Series(
        [replaced.get(parent, parent) if isinstance(parent, str) else None for parent in others["parent"]],
        index=others.index,
        dtype=object,
    )


def _require_last(code: str, known: gpd.GeoDataFrame, day: date) -> None:
    """Refuse to change an area before a day on which it has changed already."""
    versions = known[known["code"] == code]
    later = [start for start in versions["valid_from"] if start is not None and start > day]
    later += [end for end in versions["valid_to"] if end is not None and end > day]
    if later:
        raise ConflictError(
            f"Area '{code}' changes on {min(later)} already, after {day}; import for that day or a later "
            "one, or undo that adjustment first."
        )


def _require_unused(founded: gpd.GeoDataFrame, known: gpd.GeoDataFrame, day: date) -> None:
    """Refuse codes that name other ground on other days."""
    for code, shape in zip(founded["code"], founded.geometry, strict=True):
        versions = known[known["code"] == code]
        if versions.empty:
            continue
        starts = [start for start in versions["valid_from"] if start is not None and start > day]
        if starts:
            raise ConflictError(
                f"Area '{code}' begins on {min(starts)} already, after {day}; import for that day or a later "
                "one, or undo that adjustment first."
            )
        last = max(versions.to_dict("records"), key=lambda version: version["valid_to"] or date.max)
        pair = gpd.GeoDataFrame(geometry=[shape, last["geometry"]], crs=LONLAT)
        one, other = to_working_crs(pair).geometry.to_numpy()
        if not is_same_ground(np.array([one]), np.array([other]))[0]:
            raise ConflictError(
                f"The code '{code}' named other ground until {last['valid_to']}; codes of areas are not used "
                "again, give the new area another."
            )


def _find_starts(
    founded: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    before: gpd.GeoDataFrame,
    known: gpd.GeoDataFrame,
    changes: AreaChanges,
    day: date,
    *,
    is_dated: bool,
    touched: set[str],
) -> dict[str, date | None]:
    """Return the first days of areas that are new to the database and were there before.

    Those are areas on ground of which none of their level was known, where the day is not meant as that of
    their founding: no day is named, or their parent, or the database, has none of their level yet. They have
    been there as long as their parents.
    """
    parent_of = dict(zip(after["code"], after["parent"], strict=True))
    keys, former_keys = level_keys(after), level_keys(known.drop_duplicates("code", keep="last"))
    families = {
        (key, parent)
        for key, parent in zip((former_keys[code] for code in known["code"]), known["parent"], strict=True)
    }
    begun = dict(zip(before["code"], before["valid_from"], strict=True))
    sources = {change.code: change.predecessors for change in changes.changes}
    fresh = {
        code
        for code in founded["code"]
        if not sources[code]
        and not (known["code"] == code).any()
        and (not is_dated or (keys[code], parent_of[code]) not in families)
    }
    tree = shapely.STRtree(known.geometry.to_numpy())
    starts: dict[str, date | None] = {}

    def start_of(code: str | None) -> date | None:
        if code is None:
            return None
        if code in starts:
            return starts[code]
        if code not in fresh:
            return day if code in touched else begun[code]
        return start_of(parent_of[code])

    for code, shape in zip(founded["code"], founded.geometry, strict=True):
        if code not in fresh:
            continue
        near = tree.query(shape, predicate="intersects").tolist()
        # Where another of its level was, it cannot have been.
        if any(
            former_keys[known["code"].iloc[row]] == keys[code]
            and shapely.area(shapely.intersection(known.geometry.iloc[row], shape))
            > 1e-3 * shapely.area(shape)
            for row in near
        ):
            continue
        start = start_of(code)
        if start is None or start < day:
            starts[code] = start
    return starts


def _check_later_days(known: gpd.GeoDataFrame, after: gpd.GeoDataFrame, touched: set[str], day: date) -> None:
    """Refuse what does not nest with the areas that later days bring."""
    days = {each for column in ("valid_from", "valid_to") for each in known[column] if each is not None}
    columns = [*COLUMNS, "geometry"]
    lasting = after[after["code"].isin(touched)][columns]
    for later in sorted(each for each in days if each > day):
        beside = known[_holds(known, later) & ~known["code"].isin(touched).to_numpy()][columns]
        try:
            build_hierarchy(pd.concat([lasting, beside], ignore_index=True))
        except (CoverageError, InputError) as error:
            raise ConflictError(f"With the areas that begin on {later}: {error}") from error
