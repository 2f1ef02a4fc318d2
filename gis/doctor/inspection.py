"""The inspection: a file read in every plausible way, the verdict, and the records that are suspect."""

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.arrays import FloatArray
from gis.crs import LONLAT
from gis.datum import Datum, convert_coordinates
from gis.doctor.diagnosis import SUSPECT_REASONS, Diagnosis, Hypothesis
from gis.doctor.readings import (
    CANDIDATE_READINGS,
    ReadingResults,
    evaluate_readings,
    extract_area_polygons,
    record_locations,
    to_lonlat_if_projected,
)
from gis.doctor.verdict import choose_reading, explain_verdict, sign_test_p_value
from gis.errors import InputError


def inspect_points(
    points: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame,
    *,
    id_field: str | None = "id",
    progress: Callable[[int, int], None] | None = None,
) -> Diagnosis:
    """Find out which datum and axis order a file is most plausibly in, with the evidence.

    Parameters
    ----------
    points
        The records with coordinates as the file gives them; lines and polygons are judged by a
        representative point. Without a CRS, or in degrees of WGS 84 or CGCS2000, they are taken unchanged; in
        any other CRS they are projected to longitude, latitude first.
    areas
        Polygons the records are meant to lie in, in any CRS; they may overlap and may have holes. A location
        is inside when it lies in or on the border of at least one.
    id_field
        The field that identifies a record, if there is one.
    progress
        Called with the number of readings tried and their total.

    Returns
    -------
    Diagnosis

    Raises
    ------
    InputError
        If the areas hold no polygon or name no CRS, or the id field does not exist.

    Notes
    -----
    Each location (records at one location count once) is tried under six readings. The leading reading is
    compared with every other: with b locations inside under the leader only and c under the rival only, the
    probability of such a lead by coin tosses is the binomial tail P(X ≤ c), X ~ B(b + c, 1/2) (the sign
    test). The datum is *clear* when against both other datums the probability is at most 1e-6 and the rival
    leaves at least 3 times as many locations outside, *likely* at 1e-2 and 1.5 times, else *undecided*; it is
    also clear where the three coincide, outside China. The axis order is *clear* at a probability of 1e-6, or
    when the other order puts nothing inside and this one at least half; *likely* at 1e-2 or when the other
    puts nothing inside. A record that is inside under several datums fits all of them: only the file as a
    whole is judged.
    """
    if id_field is not None and id_field not in points.columns:
        raise InputError(f"The layer has no field '{id_field}' to name its records; give the right field.")
    frame = to_lonlat_if_projected(points)
    x, y = record_locations(frame.geometry.to_numpy())
    readings = evaluate_readings(x, y, extract_area_polygons(areas), progress)
    verdict = choose_reading(readings)
    chosen = CANDIDATE_READINGS.index((verdict.datum, verdict.swapped))

    present = readings.location_index >= 0
    weights = np.bincount(readings.location_index[present], minlength=len(readings.unique_locations))
    usable = int(present.sum())
    counts = (readings.inside * weights).sum(axis=1)
    hypotheses = tuple(
        Hypothesis(
            datum,
            swapped,
            int(counts[k]),
            usable - int(counts[k]),
            1.0 if k == chosen else sign_test_p_value(readings.inside[chosen], readings.inside[k]),
        )
        for k, (datum, swapped) in enumerate(CANDIDATE_READINGS)
    )
    findings = _find_suspects(frame, id_field, x, y, readings, chosen)
    sharing = weights[readings.location_index[present]] > 1
    return Diagnosis(
        records=len(frame),
        usable=usable,
        hypotheses=hypotheses,
        datum=verdict.datum,
        swapped=verdict.swapped,
        datum_confidence=verdict.datum_confidence,
        axes_confidence=verdict.axes_confidence,
        reason=explain_verdict(hypotheses, verdict, usable),
        notes=_notes(hypotheses[chosen], findings),
        duplicate_locations=int(sharing.sum()),
        duplicate_records=_count_duplicate_records(frame, x, y),
        completeness=_completeness(frame),
        findings=findings,
    )


def _notes(chosen: Hypothesis, findings: gpd.GeoDataFrame) -> tuple[str, ...]:
    notes = []
    reasons = findings["reason"]
    if other := int((reasons == "wrong_datum").sum()):
        notes.append(
            f"Records outside as {chosen.datum.label} but inside under another datum: {other}; they lie "
            "just beyond the border, or the file mixes datums."
        )
    if other := int((reasons == "swapped_axes").sum()):
        notes.append(f"Records with axes exchanged against the rest of the file: {other}.")
    if chosen.inside and chosen.share_inside < 0.95:
        notes.append(
            f"{1 - chosen.share_inside:.1%} of the usable records stay outside under the best reading."
        )
    return tuple(notes)


def _find_suspects(
    frame: gpd.GeoDataFrame,
    id_field: str | None,
    x: FloatArray,
    y: FloatArray,
    readings: ReadingResults,
    chosen: int,
) -> gpd.GeoDataFrame:
    """List the suspect records; columns as in `Diagnosis`."""
    datum, swapped = CANDIDATE_READINGS[chosen]
    geometries = np.asarray(frame.geometry.to_numpy(), dtype=object)
    finite = np.isfinite(x) & np.isfinite(y)
    lon, lat = (y, x) if swapped else (x, y)
    inside_same_axes = readings.inside[
        [k for k, reading in enumerate(CANDIDATE_READINGS) if reading[1] == swapped]
    ]
    inside_other_axes = readings.inside[
        [k for k, reading in enumerate(CANDIDATE_READINGS) if reading[1] != swapped]
    ].any(axis=0)

    def per_record(of_place: Any) -> NDArray[Any]:
        result = np.zeros(len(frame), dtype=of_place.dtype)
        present = readings.location_index >= 0
        result[present] = of_place[readings.location_index[present]]
        return result

    # Tested in this order: the first that holds is the record's reason.
    tests = {
        "empty_geometry": shapely.is_missing(geometries) | shapely.is_empty(geometries),
        "not_finite": ~finite,
        "zero_coordinates": (x == 0) & (y == 0),
        "": per_record(readings.inside[chosen]),
        "swapped_axes": per_record(inside_other_axes),
        "out_of_range": (np.abs(lon) > 180) | (np.abs(lat) > 90),
        "wrong_datum": per_record(inside_same_axes.any(axis=0)),
    }
    reasons = np.select(list(tests.values()), list(tests), default="outside").astype(object)
    details = np.array([SUSPECT_REASONS.get(word, "") for word in reasons], dtype=object)
    fits = per_record((inside_same_axes * np.array([[1], [2], [4]])).sum(axis=0))
    for bits in range(1, 8):
        labels = " and ".join(member.label for k, member in enumerate(Datum) if bits >> k & 1)
        details[(reasons == "wrong_datum") & (fits == bits)] = (
            f"lies outside as {datum.label}, inside as {labels}"
        )

    wgs_lon, wgs_lat = convert_coordinates(lon, lat, datum, Datum.WGS84)
    exchanged = reasons == "swapped_axes"
    wgs_lon[exchanged], wgs_lat[exchanged] = convert_coordinates(
        lat[exchanged], lon[exchanged], datum, Datum.WGS84
    )
    shown = finite & (np.abs(wgs_lon) <= 180) & (np.abs(wgs_lat) <= 90)

    repeats, firsts = _duplicate_ids(frame, id_field)
    rows = np.concatenate([np.flatnonzero(reasons != ""), repeats])
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    points = np.full(rows.size, None, dtype=object)
    drawn = shown[rows]
    points[drawn] = shapely.points(wgs_lon[rows[drawn]], wgs_lat[rows[drawn]])
    repeated = np.array([f"repeats the id of record {k + 1}" for k in firsts], dtype=object)
    names = frame[id_field].astype(str).to_numpy(dtype=object) if id_field is not None else None
    return gpd.GeoDataFrame(
        {
            "record": rows + 1,
            "id": names[rows] if names is not None else (rows + 1).astype(str).astype(object),
            "reason": np.concatenate(
                [reasons[reasons != ""], np.full(repeats.size, "duplicate_id", dtype=object)]
            )[order],
            "detail": np.concatenate([details[reasons != ""], repeated])[order],
        },
        geometry=gpd.GeoSeries(points, crs=LONLAT),
    )


def _duplicate_ids(
    frame: gpd.GeoDataFrame, id_field: str | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows whose id an earlier row has, and that row; missing and blank ids do not count."""
    if id_field is None:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    ids = frame[id_field].reset_index(drop=True)
    codes = pd.factorize(ids.astype(str).where(~_is_missing_or_blank(ids)))[0]
    known = np.flatnonzero(codes >= 0)
    _, first, inverse = np.unique(codes[known], return_index=True, return_inverse=True)
    earliest = known[first[inverse]]
    repeats = earliest != known
    return known[repeats], earliest[repeats]


def _count_duplicate_records(frame: gpd.GeoDataFrame, x: FloatArray, y: FloatArray) -> int:
    # Only records at one location can be equal, so only those are compared as whole rows.
    alike = pd.DataFrame({"x": x, "y": y}).duplicated(keep=False).to_numpy()
    rows = frame[alike]
    attributes = pd.DataFrame(rows.drop(columns=frame.geometry.name)).astype(str)
    attributes[len(attributes.columns)] = shapely.to_wkb(rows.geometry.to_numpy(), hex=True)
    return int(attributes.duplicated().sum())


def _completeness(frame: gpd.GeoDataFrame) -> dict[str, float]:
    fields = frame.drop(columns=frame.geometry.name)
    if frame.empty:
        return {str(name): 0.0 for name in fields.columns}
    return {str(name): float(1 - _is_missing_or_blank(fields[name]).mean()) for name in fields.columns}


def _is_missing_or_blank(values: "pd.Series[Any]") -> "pd.Series[bool]":
    """Return which values are missing or consist of white space."""
    missing = values.isna()
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_datetime64_any_dtype(values.dtype):
        return missing
    return missing | values.astype(str).str.strip().eq("")
