"""Grouping of the cells of another scheme into cells with balanced loads."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

import geopandas as gpd
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.codes import CodeLayout
from gis.crs import LONLAT, parse_working_crs
from gis.errors import InputError
from gis.measures import count_keys
from gis.progress import Note, Progress, no_note, no_progress
from layers.areas.hierarchy import read_hierarchy
from layers.areas.versions import areas_in_force
from layers.db.bulk import decode_geometries, raw_geometry
from layers.divisions.ground import areas_of_level
from layers.divisions.linework import read_linework
from layers.divisions.method import Division
from layers.divisions.units import UNITS, WITHIN, find_units_scheme, limit_units, read_units
from layers.entities.states import select_states
from layers.models import Area, Entity, Scheme
from layers.plans.schemes import scheme_profile, used_codes

Weights = Sequence[Mapping[str, Any]]
"""What is balanced: each the arguments of `gis.balance.LoadTarget`."""


def divide(
    session: Session,
    scheme: Scheme,
    area_code: str | None = None,
    *,
    weights: Weights,
    units_scheme: str | None = None,
    zones: int | None = None,
    max_weight: float | None = None,
    level: str | None = None,
    lock: str | None = None,
    exclusive: str | None = None,
    seeds: str | None = None,
    barriers: Sequence[str] = (),
    seed: int = 0,
    parts: Literal["separate", "allow"] = "separate",
    on: date | None = None,
    crs: str | None = None,
    code_layout: CodeLayout = "auto",
    note: Note | None = None,
    progress: Progress | None = None,
) -> Division:
    """Group units into cells, with codes that the scheme has not given yet.

    Where the scheme's rule limits the units of a cell, no cell holds more.

    Parameters
    ----------
    area_code
        The area whose units are grouped; all when not given.
    level
        Cells keep to areas of this level; to the areas of the units themselves when not given.
    weights
        What is to be balanced.
    units_scheme
        As for `layers.divisions.units.find_units_scheme`.
    zones, max_weight, seed, parts, code_layout, note, progress
        As for `gis.divide.divide_balanced`, whose `layout` is that of the codes.
    lock, exclusive
        Attributes of the units, as for `divide_balanced`.
    seeds
        The kind of entities around which cells grow.
    barriers
        The kinds of the base map that no cell crosses.
    on
        The day of the units and of their loads; today when not given.
    crs
        Metric CRS; the scheme's when not given.

    Raises
    ------
    InputError
        If no units are in force there, or as for `divide_balanced`.
    NotFoundError
        If there is no such scheme or area.
    """
    from gis.balance import LoadTarget
    from gis.divide import divide_balanced

    day = on or date.today()
    targets = [LoadTarget(**each) for each in weights]
    columns = [each.column for each in targets]
    below = find_units_scheme(session, scheme, units_scheme)
    nested_in = None if level is None else areas_of_level(session, area_code, level)
    units = read_units(session, below, day, area_code, nested_in=nested_in, weights=columns)
    targets += limit_units(scheme, units)
    made = divide_balanced(
        units,
        weights=targets,
        zones=zones,
        max_weight=max_weight,
        within=WITHIN,
        lock=lock,
        exclusive=exclusive,
        seeds=_read_places(session, seeds, area_code, day) if seeds is not None else None,
        barriers=read_linework(session, units, barriers) if barriers else None,
        areas=_read_names(session),
        crs=parse_working_crs(crs or scheme.working_crs),
        seed=seed,
        parts=parts,
        used_codes=used_codes(session, scheme.id),
        layout=code_layout,
        profile=scheme_profile(scheme) if code_layout == "auto" else None,
        note=note or no_note,
        progress=progress or no_progress,
    )
    # What is counted from entities is counted again wherever it is shown.
    counted = {*count_keys().values(), UNITS}
    cells = made.cells.drop(columns=[name for name in counted if name in made.cells])
    figures, sentences = made.report.summary(), made.report.lines()
    if scheme.unit_scheme_id is None:
        return Division(cells, figures, sentences)
    return Division(
        cells, figures, sentences, {str(unit): str(cell) for unit, cell in made.cell_of_unit.items()}, day
    )


def _read_names(session: Session) -> pd.DataFrame:
    """Read the names and parents of all areas."""
    rows = session.execute(select(Area.code, Area.name, Area.parent).where(areas_in_force())).all()
    return pd.DataFrame(rows, columns=["code", "name", "parent"])


def _read_places(session: Session, kind: str, area_code: str | None, on: date) -> gpd.GeoDataFrame:
    """Read where the entities of a kind are that lie in an area.

    Raises
    ------
    InputError
        If there are none.
    """
    inside = read_hierarchy(session).subtree(area_code)
    names: list[str] = []
    geometries: list[Any] = []
    for _, states in select_states(
        on, lambda model: [Entity.external_id, model.area_code, raw_geometry(session, model.geometry)]
    ):
        for name, area, geometry in session.execute(states.where(Entity.kind == kind)):
            if geometry is not None and area in inside:
                names.append(name)
                geometries.append(geometry)
    if not names:
        raise InputError(f"There is no entity of the kind '{kind}' there around which cells could grow.")
    return gpd.GeoDataFrame({"code": names}, geometry=decode_geometries(session, geometries), crs=LONLAT)
