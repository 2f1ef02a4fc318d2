"""The verdict on a file's datum and axis order, from what each reading puts inside the areas."""

from dataclasses import dataclass

import numpy as np

from gis.arrays import BoolArray
from gis.datum import Datum
from gis.doctor.diagnosis import Confidence, Hypothesis
from gis.doctor.readings import CANDIDATE_READINGS, ReadingResults

# Probabilities that tossing a coin for each differing location gives such a lead.
_CLEAR_P_VALUE, _LIKELY_P_VALUE = 1e-6, 1e-2
# A file meant for the areas leaves few locations outside once it is read correctly; without such a drop a
# lead only says that the shift goes from sparse to dense ground.
_CLEAR_OUTSIDE_RATIO, _LIKELY_OUTSIDE_RATIO = 3.0, 1.5


@dataclass(frozen=True)
class Verdict:
    """The verdict; `datums_coincide` when it was reached outside China, where the three datums are one."""

    datum: Datum
    swapped: bool
    datum_confidence: Confidence
    axes_confidence: Confidence
    datums_coincide: bool


def sign_test_p_value(leader: BoolArray, rival: BoolArray) -> float:
    """Return the binomial tail: the probability of so few locations inside under the rival only."""
    only_leader, only_rival = int((leader & ~rival).sum()), int((rival & ~leader).sum())
    tosses = only_leader + only_rival
    k = np.arange(1, only_rival + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log((tosses - k + 1) / k))]) - tosses * np.log(2.0)
    return min(float(np.exp(logs - logs.max()).sum() * np.exp(logs.max())), 1.0)


def choose_reading(readings: ReadingResults) -> Verdict:
    """Choose the reading by the rule in `gis.doctor.inspection.inspect_points`."""
    totals = readings.inside.sum(axis=1)
    best = int(np.argmax(totals))  # the first of equals: axes as given, then WGS 84
    if totals[best] == 0:
        return Verdict(Datum.WGS84, False, "undecided", "undecided", datums_coincide=False)
    swapped = CANDIDATE_READINGS[best][1]
    same = [k for k, reading in enumerate(CANDIDATE_READINGS) if reading[1] == swapped]
    other = [k for k, reading in enumerate(CANDIDATE_READINGS) if reading[1] != swapped]
    axes = _lowest_confidence([_axes_confidence(readings.inside[best], readings.inside[k]) for k in other])
    relevant = readings.inside[same].any(axis=0)
    if not readings.shifted[int(swapped)][relevant].any():
        return Verdict(Datum.WGS84, swapped, "clear", axes, datums_coincide=True)
    confidences = {k: _datum_confidence(readings.inside[best], readings.inside[k]) for k in same if k != best}
    standing = [k for k in same if k == best or confidences[k] == "undecided"]
    return Verdict(
        CANDIDATE_READINGS[standing[0]][0],
        swapped,
        _lowest_confidence(list(confidences.values())),
        axes,
        datums_coincide=False,
    )


def _datum_confidence(leader: BoolArray, rival: BoolArray) -> Confidence:
    p_value = sign_test_p_value(leader, rival)
    outside, rival_outside = int((~leader).sum()), int((~rival).sum())
    if p_value <= _CLEAR_P_VALUE and rival_outside >= _CLEAR_OUTSIDE_RATIO * outside:
        return "clear"
    if p_value <= _LIKELY_P_VALUE and rival_outside >= _LIKELY_OUTSIDE_RATIO * outside:
        return "likely"
    return "undecided"


def _axes_confidence(leader: BoolArray, rival: BoolArray) -> Confidence:
    p_value, nothing = sign_test_p_value(leader, rival), not rival.any()
    if p_value <= _CLEAR_P_VALUE or (nothing and 2 * leader.sum() >= leader.size):
        return "clear"
    return "likely" if p_value <= _LIKELY_P_VALUE or nothing else "undecided"


def _lowest_confidence(confidences: list[Confidence]) -> Confidence:
    order: list[Confidence] = ["undecided", "likely", "clear"]
    return min(confidences, key=order.index)


def explain_verdict(hypotheses: tuple[Hypothesis, ...], verdict: Verdict, usable: int) -> str:
    """Return the reason for the verdict in one or two sentences."""
    if usable == 0:
        return "No record has a usable location."
    if not any(h.inside for h in hypotheses):
        return "No record lies in the areas under any datum or axis order; are these the areas of this file?"
    same = [h for h in hypotheses if h.swapped == verdict.swapped]
    axes = "The axes are latitude, longitude. " if verdict.swapped else ""
    if verdict.axes_confidence == "undecided":
        axes = "The axis order cannot be told. "
    if verdict.datums_coincide:
        return f"{axes}The areas are outside China, where WGS 84, GCJ-02 and BD-09 coincide."
    outside = ", ".join(f"{h.outside} as {h.datum.label}" for h in same)
    counted = f"Of {usable} records lie outside all areas: {outside}."
    if verdict.datum_confidence != "undecided":
        return axes + counted
    return f"{axes}{counted} The difference is too small to tell the datum; {verdict.datum.label} is assumed."
