"""The verdict on a file's datum and axis order, from what each reading puts inside the areas."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.datum import Datum
from gis.doctor.diagnosis import Confidence, Hypothesis
from gis.doctor.readings import READINGS, Readings

Bools = NDArray[np.bool_]

# A lead that tossing a coin for each differing location would give once in a million, once in a hundred.
_CLEAR_CHANCE, _LIKELY_CHANCE = 1e-6, 1e-2
# A file meant for the areas leaves few locations outside once it is read rightly; without such a drop a lead
# only says that the shift runs from sparse ground to dense.
_CLEAR_DROP, _LIKELY_DROP = 3.0, 1.5


@dataclass(frozen=True)
class Judgement:
    """The verdict; `coincide` when it was reached outside China, where the three datums are one."""

    datum: Datum
    swapped: bool
    datum_confidence: Confidence
    axes_confidence: Confidence
    coincide: bool


def lead_chance(leader: Bools, rival: Bools) -> float:
    """Probability of so few locations inside under the rival only, by coin tosses: the binomial tail."""
    only_leader, only_rival = int((leader & ~rival).sum()), int((rival & ~leader).sum())
    tosses = only_leader + only_rival
    k = np.arange(1, only_rival + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log((tosses - k + 1) / k))]) - tosses * np.log(2.0)
    return min(float(np.exp(logs - logs.max()).sum() * np.exp(logs.max())), 1.0)


def judge(readings: Readings) -> Judgement:
    """Choose the reading by the rule told in `gis.doctor.inspect`."""
    totals = readings.inside.sum(axis=1)
    best = int(np.argmax(totals))  # the first of equals: axes as given, then WGS 84
    if totals[best] == 0:
        return Judgement(Datum.WGS84, False, "undecided", "undecided", coincide=False)
    swapped = READINGS[best][1]
    same = [k for k, reading in enumerate(READINGS) if reading[1] == swapped]
    other = [k for k, reading in enumerate(READINGS) if reading[1] != swapped]
    axes = _weakest([_axes_strength(readings.inside[best], readings.inside[k]) for k in other])
    relevant = readings.inside[same].any(axis=0)
    if not readings.shifted[int(swapped)][relevant].any():
        return Judgement(Datum.WGS84, swapped, "clear", axes, coincide=True)
    strengths = {k: _datum_strength(readings.inside[best], readings.inside[k]) for k in same if k != best}
    standing = [k for k in same if k == best or strengths[k] == "undecided"]
    return Judgement(
        READINGS[standing[0]][0], swapped, _weakest(list(strengths.values())), axes, coincide=False
    )


def _datum_strength(leader: Bools, rival: Bools) -> Confidence:
    chance = lead_chance(leader, rival)
    outside, rival_outside = int((~leader).sum()), int((~rival).sum())
    if chance <= _CLEAR_CHANCE and rival_outside >= _CLEAR_DROP * outside:
        return "clear"
    if chance <= _LIKELY_CHANCE and rival_outside >= _LIKELY_DROP * outside:
        return "likely"
    return "undecided"


def _axes_strength(leader: Bools, rival: Bools) -> Confidence:
    chance, nothing = lead_chance(leader, rival), not rival.any()
    if chance <= _CLEAR_CHANCE or (nothing and 2 * leader.sum() >= leader.size):
        return "clear"
    return "likely" if chance <= _LIKELY_CHANCE or nothing else "undecided"


def _weakest(strengths: list[Confidence]) -> Confidence:
    order: list[Confidence] = ["undecided", "likely", "clear"]
    return min(strengths, key=order.index)


def reason(hypotheses: tuple[Hypothesis, ...], judgement: Judgement, usable: int) -> str:
    """Put the verdict's ground in one or two sentences."""
    if usable == 0:
        return "No record has a usable location."
    if not any(h.inside for h in hypotheses):
        return "No record lies in the areas under any datum or axis order; are these the areas of this file?"
    same = [h for h in hypotheses if h.swapped == judgement.swapped]
    axes = "The axes are latitude, longitude. " if judgement.swapped else ""
    if judgement.axes_confidence == "undecided":
        axes = "The axis order cannot be told. "
    if judgement.coincide:
        return f"{axes}The areas are outside China, where WGS 84, GCJ-02 and BD-09 coincide."
    outside = ", ".join(f"{h.outside} as {h.datum.label}" for h in same)
    counted = f"Of {usable} records lie outside all areas: {outside}."
    if judgement.datum_confidence != "undecided":
        return axes + counted
    return (
        f"{axes}{counted} The difference is too small to tell the datum; {judgement.datum.label} is assumed."
    )
