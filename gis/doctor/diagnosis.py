"""The diagnosis: the hypotheses that were compared, the verdict, and the words for suspect records."""

from dataclasses import dataclass, field
from typing import Any, Literal

import geopandas as gpd

from gis.datum import Datum

Confidence = Literal["clear", "likely", "undecided"]

SUSPECT_REASONS = {
    "empty_geometry": "has no geometry",
    "not_finite": "has a coordinate that is not a number",
    "zero_coordinates": "lies at 0, 0, which stands for a missing location",
    "out_of_range": "is beyond 180° of longitude or 90° of latitude",
    "swapped_axes": "lies in the areas only with longitude and latitude exchanged",
    "wrong_datum": "lies in the areas only under another datum, or just beyond their border",
    "outside": "lies outside all areas under every datum and axis order",
    "duplicate_id": "repeats the id of an earlier record",
}
"""Reasons why a record is in the findings; the text completes 'This record ...'."""


@dataclass(frozen=True)
class Hypothesis:
    """One reading of the file and how many usable records it puts inside and outside the areas.

    Attributes
    ----------
    datum, swapped
        The reading: the datum, and whether the axes are latitude, longitude.
    inside, outside
        Counts of records.
    p_value
        Probability that the verdict's lead over this reading (in distinct locations) would arise if each
        location inside under only one of the two fell to either by a coin toss; 1 for the verdict itself.
    """

    datum: Datum
    swapped: bool
    inside: int
    outside: int
    p_value: float

    @property
    def share_inside(self) -> float:
        """Share of the usable records inside the areas, 0 to 1."""
        total = self.inside + self.outside
        return self.inside / total if total else 0.0


@dataclass(frozen=True)
class Diagnosis:
    """The result of `inspect_points`.

    Attributes
    ----------
    records, usable
        All records; those with a finite location other than 0, 0 that is in range in either axis order.
    hypotheses
        The six readings: each datum with axes as given, then each with axes exchanged.
    datum, swapped
        The verdict; while undecided the first of WGS 84, GCJ-02, BD-09 that the evidence does not refute.
    datum_confidence, axes_confidence
        clear, likely or undecided; the rule is in `inspect_points`.
    reason
        The reason for the verdict in one or two sentences.
    notes
        Further remarks, for example that the file may mix datums.
    duplicate_locations
        Records that share their exact location with another.
    duplicate_records
        Records equal in every field and the geometry to an earlier one.
    completeness
        For each field but the geometry the share (0 to 1) that is neither missing nor blank.
    findings
        record (1-based), id, reason (see `SUSPECT_REASONS`), detail, geometry (EPSG:4326: the point as the
        verdict reads it, swapped axes put right; None where there is none). A record may have two rows.
    """

    records: int
    usable: int
    hypotheses: tuple[Hypothesis, ...]
    datum: Datum
    swapped: bool
    datum_confidence: Confidence
    axes_confidence: Confidence
    reason: str
    notes: tuple[str, ...]
    duplicate_locations: int
    duplicate_records: int
    completeness: dict[str, float]
    findings: gpd.GeoDataFrame = field(repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings for each of `SUSPECT_REASONS`, zero included."""
        found = self.findings["reason"].value_counts()
        return {reason: int(found.get(reason, 0)) for reason in SUSPECT_REASONS}

    @property
    def chosen_hypothesis(self) -> Hypothesis:
        """The reading that the verdict names."""
        return next(h for h in self.hypotheses if (h.datum, h.swapped) == (self.datum, self.swapped))

    def summary(self) -> dict[str, Any]:
        """Return everything but the findings' rows as plain types for JSON."""
        return {
            "records": self.records,
            "usable": self.usable,
            "datum": str(self.datum),
            "swapped": self.swapped,
            "datum_confidence": self.datum_confidence,
            "axes_confidence": self.axes_confidence,
            "reason": self.reason,
            "notes": list(self.notes),
            "hypotheses": [
                {
                    "datum": str(h.datum),
                    "swapped": h.swapped,
                    "inside": h.inside,
                    "outside": h.outside,
                    "share_inside": h.share_inside,
                    "chance": h.p_value,
                }
                for h in self.hypotheses
            ],
            "counts": self.counts,
            "duplicate_locations": self.duplicate_locations,
            "duplicate_records": self.duplicate_records,
            "completeness": dict(self.completeness),
        }
