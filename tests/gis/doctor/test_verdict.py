"""How sure the verdict is, at the bounds of the rule, on readings made by hand."""

import numpy as np
import pytest

from gis.datum import Datum
from gis.doctor.diagnosis import Hypothesis
from gis.doctor.readings import CANDIDATE_READINGS, ReadingResults
from gis.doctor.verdict import Verdict, choose_reading, explain_verdict, sign_test_p_value


def readings(count: int, *, shifted: bool = True, **outside: int) -> ReadingResults:
    """Make readings of `count` locations, the last so many of them outside; all where nothing is given."""
    inside = np.zeros((len(CANDIDATE_READINGS), count), dtype=bool)
    for row, (datum, swapped) in enumerate(CANDIDATE_READINGS):
        inside[row, : count - outside.get(datum + ("_swapped" if swapped else ""), count)] = True
    return ReadingResults(
        np.zeros((count, 2)), np.arange(count), inside, np.full((2, count), shifted, dtype=bool)
    )


@pytest.mark.parametrize(
    ("leader_outside", "rival_outside", "confidence"),
    [
        (20, 60, "clear"), (20, 59, "likely"), (40, 60, "likely"), (40, 59, "undecided"),
        # However few lie outside, six tosses of a coin are not unlikely enough.
        (0, 6, "undecided"), (0, 7, "likely"), (0, 19, "likely"), (0, 20, "clear"),
    ],
)  # fmt: skip
def test_the_datum_is_as_clear_as_the_rival_leaves_more_outside(
    leader_outside: int, rival_outside: int, confidence: str
) -> None:
    verdict = choose_reading(readings(1000, gcj02=leader_outside, wgs84=rival_outside))
    assert (verdict.swapped, verdict.datum_confidence, verdict.axes_confidence) == (
        False,
        confidence,
        "clear",
    )
    # What is not told apart stays WGS 84.
    assert verdict.datum == (Datum.WGS84 if confidence == "undecided" else Datum.GCJ02)
    assert not verdict.datums_coincide


@pytest.mark.parametrize(
    ("count", "outside", "confidence"), [(10, 5, "clear"), (10, 6, "likely"), (100, 60, "clear")]
)
def test_the_axes_are_clear_when_the_others_put_nothing_inside_and_these_half(
    count: int, outside: int, confidence: str
) -> None:
    for swapped in ("", "_swapped"):
        verdict = choose_reading(readings(count, **{f"{datum}{swapped}": outside for datum in Datum}))
        assert verdict.axes_confidence == confidence
        assert verdict.swapped == bool(swapped)


@pytest.mark.parametrize(
    ("outside", "other_outside", "confidence"), [(0, 6, "undecided"), (0, 7, "likely"), (0, 20, "clear")]
)
def test_the_axes_are_as_clear_as_their_lead_is_unlikely(
    outside: int, other_outside: int, confidence: str
) -> None:
    verdict = choose_reading(readings(50, wgs84=outside, wgs84_swapped=other_outside))
    assert (verdict.swapped, verdict.axes_confidence) == (False, confidence)


def test_the_least_sure_of_the_rivals_decides() -> None:
    verdict = choose_reading(readings(1000, gcj02=0, wgs84=100, bd09=7))
    assert (verdict.datum, verdict.datum_confidence) == (Datum.GCJ02, "likely")


def test_nothing_inside_tells_nothing() -> None:
    assert choose_reading(readings(10)) == Verdict(
        Datum.WGS84, False, "undecided", "undecided", datums_coincide=False
    )


def test_where_no_datum_shifts_they_coincide() -> None:
    verdict = choose_reading(readings(50, shifted=False, wgs84=0, gcj02=0, bd09=0))
    assert verdict == Verdict(Datum.WGS84, False, "clear", "clear", datums_coincide=True)


def test_the_chance_of_a_lead() -> None:
    leader, rival = np.zeros(10, dtype=bool), np.zeros(10, dtype=bool)
    leader[:4] = True
    assert sign_test_p_value(leader, rival) == pytest.approx(1 / 16)
    rival[4] = True
    assert sign_test_p_value(leader, rival) == pytest.approx(6 / 32)
    assert sign_test_p_value(leader, leader) == 1


def hypotheses(inside: int = 8, outside: int = 2) -> tuple[Hypothesis, ...]:
    return tuple(Hypothesis(datum, swapped, inside, outside, 1.0) for datum, swapped in CANDIDATE_READINGS)


def test_the_reason_is_told() -> None:
    verdict = Verdict(Datum.GCJ02, False, "clear", "clear", datums_coincide=False)
    assert explain_verdict(hypotheses(), verdict, 0) == "No record has a usable location."
    assert explain_verdict(hypotheses(0, 10), verdict, 10).startswith("No record lies in the areas")
    told = explain_verdict(hypotheses(), verdict, 10)
    assert told.startswith("Of 10 records lie outside all areas: 2 as WGS 84, 2 as GCJ-02, 2 as BD-09.")
    swapped = Verdict(Datum.GCJ02, True, "undecided", "clear", datums_coincide=False)
    told = explain_verdict(hypotheses(), swapped, 10)
    assert told.startswith("The axes are latitude, longitude. Of 10")
    assert told.endswith("GCJ-02 is assumed.")
    unsure = Verdict(Datum.WGS84, False, "clear", "undecided", datums_coincide=True)
    assert explain_verdict(hypotheses(), unsure, 10) == (
        "The axis order cannot be told. The areas are outside China, where WGS 84, GCJ-02 and BD-09 coincide."
    )
