"""The backtest of a plan as it is answered."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import build_record
from gis.measures import MEASURES
from layers.lists.backtest import judged_loads
from layers.models import Officer
from layers.plans.backtest import NOT_LOOKED_AT, Backtest, BacktestSide, side_figures
from layers.staff.published import officer_name


class CellLoad(BaseModel):
    """The loads of a cell over a period."""

    code: str = Field(examples=["440305001001001"])
    name: str | None = Field(examples=["大新社区 001"])
    days: int = Field(examples=[365], description="On how many days of the period it was in force.")
    loads: dict[str, float] = Field(examples=[{"households": 312.4}], description="The mean of a day.")
    deviations: dict[str, float | None] = Field(
        examples=[{"households": 0.08}],
        description="The difference from the mean of all, as a share of it; null where that is 0.",
    )


class OfficerLoad(BaseModel):
    """The loads of an officer over a period."""

    officer_id: int = Field(examples=[3])
    external_id: str = Field(examples=["G-0012"])
    name: str | None = Field(examples=["张**"], description="Masked unless it may be seen and is asked for.")
    days: int = Field(examples=[365], description="On how many days of the period there was a post.")
    loads: dict[str, float] = Field(examples=[{"households": 312.4}], description="The mean of a day.")
    deviations: dict[str, float | None] = Field(examples=[{"households": 0.08}])


class BacktestLoads(BaseModel):
    """The loads of cells and officers on one side."""

    cells: list[CellLoad]
    officers: list[OfficerLoad] = Field(examples=[[]], description="None where no officer had a post.")


class LoadFigures(BaseModel):
    """How evenly cells or officers share out a load."""

    owners: int = Field(examples=[40], description="How many cells or officers.")
    mean: float = Field(examples=[290.1])
    greatest_deviation: float | None = Field(examples=[0.41])
    mean_deviation: float | None = Field(examples=[0.12])
    out_of_tolerance: int = Field(examples=[7])


class LoadComparison(BaseModel):
    """One load before and after."""

    load: str = Field(examples=["households"])
    of: str = Field(examples=["cells"], description="cells or officers.")
    before: LoadFigures
    after: LoadFigures


class PlanBacktest(BaseModel):
    """A plan judged on a period."""

    plan: int = Field(examples=[12])
    since: date = Field(examples=["2025-03-02"])
    until: date = Field(examples=["2026-03-01"])
    days: int = Field(examples=[365])
    tolerance: float = Field(examples=[0.05])
    summary: list[LoadComparison]
    before: BacktestLoads = Field(description="What was: cells in force and officers in post day by day.")
    after: BacktestLoads = Field(
        description="The same entities in the cells of the plan, with the officers whom it proposes."
    )
    not_looked_at: dict[str, str] = Field(
        examples=[{"visits": "visits are not kept in this database"}],
        description="What is not judged, and why.",
    )


def backtest_record(
    found: Backtest,
    officers: Mapping[int, Officer],
    personal_of: Callable[[Officer], Mapping[str, Any]],
    tolerance: float,
) -> dict[str, Any]:
    """Return a backtest as it is answered."""
    loads = judged_loads(found)

    def side(given: BacktestSide) -> dict[str, Any]:
        return {
            "cells": [
                build_record(
                    CellLoad, each, code=each.owner, name=found.names.get(each.owner), **_values(each, loads)
                )
                for each in given.cells
            ],
            "officers": [
                build_record(
                    OfficerLoad,
                    each,
                    officer_id=each.owner,
                    external_id=officers[each.owner].external_id,
                    name=officer_name(officers[each.owner], personal_of(officers[each.owner])),
                    **_values(each, loads),
                )
                for each in given.officers
            ],
        }

    return build_record(
        PlanBacktest,
        found,
        plan=found.plan.id,
        tolerance=tolerance,
        summary=[
            {
                "load": load,
                "of": of,
                "before": side_figures(getattr(found.before, of), load, tolerance),
                "after": side_figures(getattr(found.after, of), load, tolerance),
            }
            for of in ("cells", "officers")
            for load in loads
        ],
        before=side(found.before),
        after=side(found.after),
        not_looked_at=dict(NOT_LOOKED_AT),
    )


def summary_lines(record: Mapping[str, Any]) -> list[str]:
    """Return the figures of a backtest record for a person."""
    lines = [f"{record['since']} to {record['until']}, {record['days']:,} days"]
    for each in record["summary"]:
        if not each["before"]["mean"] and not each["after"]["mean"]:
            continue
        was, now = (_side_line(each[side]) for side in ("before", "after"))
        lines.append(f"{MEASURES[each['load']].label('en')} of {each['of']}: {was} before, {now} after")
    lines += [f"not looked at: {reason}" for reason in record["not_looked_at"].values()]
    return lines


def _side_line(figures: Mapping[str, Any]) -> str:
    greatest = figures["greatest_deviation"]
    furthest = "" if greatest is None else f", greatest deviation {greatest:.1%}"
    return f"mean {figures['mean']:,.1f} of {figures['owners']:,}{furthest}"


def _values(each: Any, loads: list[str]) -> dict[str, Any]:
    return {
        "loads": {load: round(each.loads[load], 4) for load in loads},
        "deviations": {
            load: None if each.deviations[load] is None else round(each.deviations[load], 6) for load in loads
        },
    }
