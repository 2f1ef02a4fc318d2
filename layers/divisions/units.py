"""The units that cells are made of: the cells of another scheme in force, with the loads that they carry."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.arrays import FloatArray
from gis.errors import InputError, ParameterError
from gis.measures import count_keys
from layers.areas.hierarchy import read_hierarchy
from layers.db.bulk import in_force, read_rows
from layers.entities.counts import align_counts, read_counts
from layers.entities.states import select_states
from layers.models import Assignment, Entity, Scheme
from layers.plans.cells import cells_as_of
from layers.plans.schemes import find_scheme, unit_rule

if TYPE_CHECKING:
    from gis.balance import LoadTarget

WITHIN = "within"
"""The column of units with the area that the cells made of them keep to."""

UNITS = "units"
"""The load by which the number of units of a cell is limited."""

_COLUMNS = ("code", "name", "kind", "area_code", "area_m2", "attributes")


def find_units_scheme(session: Session, scheme: Scheme, code: str | None) -> Scheme:
    """Return the scheme whose cells are the units of a division.

    Parameters
    ----------
    scheme
        Of the division.
    code
        Of the scheme that is asked for; that of which `scheme` is made when not given.

    Raises
    ------
    InputError
        If none is given and `scheme` is not made of another's cells, or it is made of others.
    NotFoundError
        If there is no such scheme.
    """
    below = None if scheme.unit_scheme_id is None else session.get_one(Scheme, scheme.unit_scheme_id)
    if code is None and below is None:
        raise ParameterError(
            f"Scheme '{scheme.code}' is not made of another's cells; "
            "name the scheme whose cells are grouped with --units-scheme."
        )
    if below is None:
        return find_scheme(session, str(code))
    if code is not None and code != below.code:
        raise ParameterError(
            f"Cells of scheme '{scheme.code}' are made of those of '{below.code}', not '{code}'."
        )
    return below


def read_units(
    session: Session,
    scheme: Scheme,
    on: date,
    area_code: str | None = None,
    *,
    nested_in: Collection[str] | None = None,
    weights: Sequence[str] = (),
) -> gpd.GeoDataFrame:
    """Read the cells of a scheme in force on a day as units.

    Parameters
    ----------
    scheme
        Of the units.
    area_code
        Only units of this area and of those beneath it.
    nested_in
        The areas that cells keep to; the areas of the units themselves when not given.
    weights
        What they are to be balanced by. `KIND.ATTRIBUTE`, for example `enterprise.employees`, adds up an
        attribute of the entities of a kind.

    Returns
    -------
    GeoDataFrame
        In EPSG:4326: code, name, kind, area_code, area_m2, `within`; the attributes of the cells; by the keys
        of measures how many entities of each kind belong to a unit; and the weights.

    Raises
    ------
    InputError
        If no cell is in force there, a unit lies in none of the areas that cells keep to, or an attribute is
        no number.
    NotFoundError
        If there is no such area.
    """
    cells = cells_as_of(session, scheme.id, on, area_code=area_code, columns=_COLUMNS)
    if not len(cells):
        raise InputError(
            f"No cells of scheme '{scheme.code}' are in force there on {on}; publish a plan first."
        )
    attributes = pd.DataFrame(cells["attributes"].tolist(), index=cells.index)
    further = attributes[[name for name in attributes if name not in cells.columns]]
    units = gpd.GeoDataFrame(pd.concat([cells.drop(columns="attributes"), further], axis=1), crs=cells.crs)
    codes = units["code"].to_numpy(dtype=object)
    keys = count_keys()
    for kind, counts in align_counts(read_counts(session, scheme.id, on), codes).items():
        units[keys.get(kind, kind)] = counts
    for weight in weights:
        kind, dot, attribute = weight.partition(".")
        if dot and weight not in units.columns:
            units[weight] = _attribute_sums(session, scheme.id, on, kind, attribute, codes.tolist())
    units[WITHIN] = units["area_code"] if nested_in is None else _areas_above(session, units, nested_in)
    return units


def limit_units(scheme: Scheme, units: gpd.GeoDataFrame) -> "list[LoadTarget]":
    """Return the load that keeps cells to the most units that the scheme's rule allows, if it does; add it.

    Parameters
    ----------
    units
        Gets a column of ones.
    """
    from gis.balance import LoadTarget

    most = None if scheme.unit_scheme_id is None else unit_rule(scheme).max
    if most is None:
        return []
    units[UNITS] = 1
    return [LoadTarget(UNITS, tolerance=1.0, cap=most)]


def _areas_above(session: Session, units: gpd.GeoDataFrame, areas: Collection[str]) -> list[str]:
    """Return which of some areas each unit lies in."""
    hierarchy = read_hierarchy(session)
    above: dict[str | None, str | None] = {}
    for code in units["area_code"].unique():
        higher = [] if code is None else [code, *hierarchy.ancestors(code)]
        above[code] = next((each for each in higher if each in areas), None)
    found: list[str] = []
    for unit, code in zip(units["code"], units["area_code"], strict=True):
        area = above[code]
        if area is None:
            raise InputError(f"Unit '{unit}' lies in none of the areas that cells are to keep to.")
        found.append(area)
    return found


def _attribute_sums(
    session: Session, scheme_id: int, on: date, kind: str, attribute: str, codes: list[str]
) -> FloatArray:
    """Add up an attribute of the entities of a kind that belong to each unit; none counts as 0.

    Raises
    ------
    InputError
        If no entity of the kind has the attribute, or one has no number of 0 or more as it.
    """
    owners = select(Assignment.entity_id, Assignment.cell_code).where(
        Assignment.scheme_id == scheme_id,
        Assignment.cell_code.is_not(None),
        in_force(Assignment.valid_from, Assignment.valid_to, on),
    )
    owner = {row[0]: row[1] for row in read_rows(session, owners)}
    place = {code: k for k, code in enumerate(codes)}
    sums, found = np.zeros(len(codes)), False
    for _, states in select_states(on, lambda model: [Entity.id, Entity.external_id, model.attributes]):
        for identity, external_id, attributes in session.execute(states.where(Entity.kind == kind)):
            unit = owner.get(identity)
            value = attributes.get(attribute)
            if value is None or unit not in place:
                continue
            found = True
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < np.inf:
                raise InputError(
                    f"The {attribute} of {kind} '{external_id}' in unit '{unit}' is no number of 0 or more."
                )
            sums[place[unit]] += value
    if not found:
        raise InputError(f"No entity of the kind '{kind}' there has an attribute '{attribute}'.")
    return sums
