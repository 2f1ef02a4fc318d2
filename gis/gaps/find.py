"""Finding gaps of all kinds: the rules for them, and the search through one input."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.crs import LONLAT
from gis.errors import InputError, ParameterError
from gis.gaps.catalogue import GAP_KINDS, explain_gap
from gis.gaps.frame import FIGURES_COLUMN, GAP_COLUMNS, build_gap_frame, describe_gaps
from gis.gaps.gap_input import GapInput
from gis.gaps.kind import gap_facts
from gis.gaps.rules import SEVERITIES, SeverityRule, read_rule, severity_order
from gis.progress import no_progress
from gis.text import Text

NOT_ASKED_FOR = Text("未要求分析", "not asked for")
"""Why a kind was skipped that was not among those to look for."""


@dataclass(frozen=True)
class GapRules:
    """The rules that gaps break: one per kind, and how severity follows from size.

    Attributes
    ----------
    by_kind
        Rule per kind, by its name; a kind not named keeps its default.
    severity
        See `SeverityRule`.
    """

    by_kind: Mapping[str, Any] = field(default_factory=dict)
    severity: SeverityRule = field(default_factory=SeverityRule)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> "GapRules":
        """Read rules from a parsed TOML file: a table per kind, and a table `severity`.

        Raises
        ------
        InputError
            If a table or key is unknown, or a value does not fit; the message names it.
        """
        unknown = [name for name in mapping if name != "severity" and name not in GAP_KINDS]
        if unknown:
            raise InputError(
                f"The rules have an unknown table '{unknown[0]}'; "
                f"known: {', '.join([*GAP_KINDS, 'severity'])}."
            )
        return cls(
            by_kind={
                name: read_rule(GAP_KINDS[name].default_rule, mapping[name], name)
                for name in mapping
                if name in GAP_KINDS
            },
            severity=read_rule(SeverityRule(), mapping.get("severity", {}), "severity"),
        )

    def for_kind(self, kind: str) -> Any:
        """Return the rule of a kind."""
        return self.by_kind.get(kind, GAP_KINDS[kind].default_rule)

    def to_mapping(self) -> dict[str, dict[str, Any]]:
        """Return every table with every value, defaults too, as plain JSON that `from_mapping` reads."""
        rules = {**{name: self.for_kind(name) for name in GAP_KINDS}, "severity": self.severity}
        return {
            name: {key: _plain(value) for key, value in asdict(rule).items()} for name, rule in rules.items()
        }


@dataclass(frozen=True, eq=False)
class GapSearchResult:
    """What a run found.

    Attributes
    ----------
    frame
        All gaps with `GAP_COLUMNS`, most severe first, then by households and enterprises, then by ground.
    figures
        For each gap what its rule and detail say, in no language: plain JSON, as its kind describes it.
    searched_kinds
        The kinds that were looked for.
    skipped_kinds
        The kinds that were not, each with the reason.
    """

    frame: gpd.GeoDataFrame
    figures: tuple[Mapping[str, Any], ...]
    searched_kinds: tuple[str, ...]
    skipped_kinds: Mapping[str, Text]

    def frame_in(self, language: str) -> gpd.GeoDataFrame:
        """Return the gaps with their sentences in a language of `Text`."""
        figures = pd.Series(list(self.figures), index=self.frame.index, dtype=object)
        facts = gap_facts(self.frame.assign(**{FIGURES_COLUMN: figures}))
        explained = [
            explain_gap(kind, each, rule=rule, detail=detail)
            for kind, each, rule, detail in zip(
                self.frame["kind"], facts, self.frame["rule"], self.frame["detail"], strict=True
            )
        ]
        rules, details = ([getattr(texts[part], language) for texts in explained] for part in (0, 1))
        index = self.frame.index
        return self.frame.assign(
            rule=pd.Series(rules, index=index, dtype=object),
            detail=pd.Series(details, index=index, dtype=object),
        )

    def summary(self) -> dict[str, Any]:
        """Return counts and sizes per kind that ran, and the kinds skipped, for JSON."""
        kinds = {}
        for kind in self.searched_kinds:
            rows = self.frame[self.frame["kind"] == kind]
            kinds[kind] = {
                "gaps": len(rows),
                **{severity: int((rows["severity"] == severity).sum()) for severity in SEVERITIES},
                "area_m2": round(float(rows["area_m2"].sum()), 2),
                "households": int(rows["households"].sum()),
                "enterprises": int(rows["enterprises"].sum()),
            }
        return {
            "gaps": len(self.frame),
            "kinds": kinds,
            "skipped": {kind: reason.en for kind, reason in self.skipped_kinds.items()},
            "skipped_text": {kind: reason._asdict() for kind, reason in self.skipped_kinds.items()},
        }


def find_gaps(
    gap_input: GapInput,
    rules: GapRules | None = None,
    *,
    kinds: Iterable[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> GapSearchResult:
    """Find the gaps of an input.

    Parameters
    ----------
    gap_input
        Cells, and whatever else is known.
    rules
        The rules; the defaults when not given.
    kinds
        Names of the kinds to look for; all when not given. Kinds whose input is missing are skipped, with the
        reason.
    progress
        Called with (parts done, parts in all).

    Returns
    -------
    GapSearchResult
        The gaps, and what was looked for.

    Raises
    ------
    InputError
        If a kind is unknown, or a column that a kind needs is missing.
    """
    chosen = list(GAP_KINDS) if kinds is None else list(dict.fromkeys(kinds))
    for name in chosen:
        if name not in GAP_KINDS:
            raise ParameterError(f"'{name}' is no kind of gap; known are: {', '.join(GAP_KINDS)}.")
    rules = rules or GapRules()
    report_progress = progress or no_progress
    frames: list[gpd.GeoDataFrame] = []
    searched: list[str] = []
    skipped: dict[str, Text] = {}
    skipped |= {name: NOT_ASKED_FOR for name in GAP_KINDS if name not in chosen}
    for number, name in enumerate(chosen):
        kind = GAP_KINDS[name]
        reason = kind.missing_input(gap_input)
        if reason is not None:
            skipped[name] = reason
            continue

        def report_part(done: int, total: int, before: int = number) -> None:
            report_progress(100 * before + 100 * done // max(total, 1), 100 * len(chosen))

        frames.append(describe_gaps(kind, kind.find(gap_input, rules.for_kind(name), report_part)))
        searched.append(name)
    report_progress(100 * len(chosen), 100 * len(chosen))
    found = _concat_gaps(frames)
    found["severity"] = _severity_by_size(found, rules.severity)
    ordered = found.iloc[severity_order(found)].reset_index(drop=True)
    return GapSearchResult(
        ordered[list(GAP_COLUMNS)], tuple(ordered[FIGURES_COLUMN]), tuple(searched), skipped
    )


def _concat_gaps(frames: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    # pandas would infer the types of columns from frames without rows.
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        empty = build_gap_frame(np.empty(0, dtype=object), [])
        return empty.assign(**dict.fromkeys(("kind", "severity", "rule", "detail"), pd.Series(dtype=object)))
    return gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=LONLAT)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _severity_by_size(gaps: gpd.GeoDataFrame, rule: SeverityRule) -> "pd.Series[str]":
    """Severity by size where the kind itself has given none."""
    touched = (gaps["households"] > 0) | (gaps["enterprises"] > 0)
    high = (
        (gaps["households"] >= rule.high_households)
        | (gaps["enterprises"] >= rule.high_enterprises)
        | (gaps["area_m2"] >= rule.high_m2)
    )
    medium = touched | (gaps["area_m2"] >= rule.medium_m2)
    by_size = pd.Series(
        np.where(high, "high", np.where(medium, "medium", "low")), index=gaps.index, dtype=object
    )
    return gaps["severity"].astype(object).where(gaps["severity"] != "", by_size)
