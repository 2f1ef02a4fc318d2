"""Officers with their posts and visits in the sample district; some are left out, so that there are gaps."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.sample.code_tables import CodeTables
from layers.sample.names import numbered_ids, person_names

LAST_DAY = np.datetime64("2025-03-31")
"""The last day of visits."""

DAYS = 90
"""Days of visits."""


def make_officers(
    areas: gpd.GeoDataFrame, tables: CodeTables, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Fill the posts of every community and street, and of the district.

    Returns
    -------
    officers : DataFrame
        officer_id, name, phone, role (leader, officer, inspector, assistant), rank (A, B), area_code,
        published_name and published_phone (what the notice board of an area shows of its leaders), synthetic.
    counts : dict
        communities_without_leader, communities_without_backup.
    """
    villages = areas.loc[areas["level"] == "village", "code"].to_numpy(dtype=object)
    towns = areas.loc[areas["level"] == "town", "code"].to_numpy(dtype=object)
    county = areas.loc[areas["level"] == "county", "code"].to_numpy(dtype=object)
    count = len(villages)
    shuffled = rng.permutation(count)
    leaderless, alone = max(1, round(0.02 * count)), max(1, round(0.06 * count))
    no_leader, no_backup = shuffled[:leaderless], shuffled[leaderless : leaderless + alone]
    posts: list[tuple[np.ndarray[tuple[int], np.dtype[np.object_]], str, str]] = [
        (np.delete(villages, no_leader), "leader", "A"),
        (villages, "officer", "A"),
        (np.repeat(villages, rng.integers(0, 3, count)), "officer", "A"),
        (np.delete(villages, no_backup), "officer", "B"),
        (villages[rng.uniform(0, 1, count) < 0.5], "assistant", "A"),
        (towns, "leader", "A"),
        (towns, "leader", "B"),
        (np.repeat(towns, 2), "inspector", "A"),
        (np.repeat(towns, 3), "assistant", "A"),
        (county, "leader", "A"),
        (county, "leader", "B"),
    ]
    codes = np.concatenate([place for place, _, _ in posts])
    roles = np.repeat([role for _, role, _ in posts], [len(place) for place, _, _ in posts])
    ranks = np.repeat([rank for _, _, rank in posts], [len(place) for place, _, _ in posts])
    order = np.lexsort((ranks, roles, codes.astype(str)))
    total = len(order)
    names = areas.set_index("code")["name"]
    frame = pd.DataFrame(
        {
            "officer_id": numbered_ids("G", total, width=5),
            "name": person_names(tables, total, rng),
            "phone": [f"000{number:08d}" for number in rng.choice(10**8, size=total, replace=False)],
            "role": roles[order].astype(object),
            "rank": ranks[order].astype(object),
            "area_code": codes[order],
            "synthetic": True,
        }
    )
    leads = frame["role"] == "leader"
    # A title and the number of an office, which are meant to be read by everybody.
    title = frame["area_code"].map(names) + frame["rank"].map({"A": "网格长", "B": "副网格长"})
    office = "000-" + frame["area_code"].str[-8:] + frame["rank"].map({"A": "1", "B": "2"})
    frame.insert(6, "published_name", title.where(leads, None))
    frame.insert(7, "published_phone", office.where(leads, None))
    return frame, {"communities_without_leader": leaderless, "communities_without_backup": alone}


def make_visits(
    enterprises: gpd.GeoDataFrame,
    area_codes: np.ndarray[tuple[int], np.dtype[np.object_]],
    officers: pd.DataFrame,
    tables: CodeTables,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Let the officers of each community visit its enterprises at the interval of their risk.

    Parameters
    ----------
    enterprises
        With id, risk and points.
    area_codes
        The community of each enterprise.
    officers, tables, rng
        Posts, intervals and source of randomness.

    Returns
    -------
    visits : DataFrame
        visit_id, date (ISO), officer_id, area_code, entity_id, lon, lat (WGS 84, some metres off as a
        telephone records them), result (normal, hazard), synthetic; by date.
    counts : dict
        enterprises_left_out: those never visited in the 90 days.
    """
    interval = tables.risk_classes.set_index("risk")["interval_days"]
    every = enterprises["risk"].map(interval).to_numpy(dtype=float)
    left_out = rng.uniform(0, 1, len(every)) < 0.04
    visits = np.where(left_out, 0, np.maximum(1, np.round(DAYS / every))).astype(int)
    entity = np.repeat(np.arange(len(every)), visits)
    turn = np.arange(len(entity)) - np.repeat(np.cumsum(visits) - visits, visits)
    day = (turn + rng.uniform(0, 1, len(entity))) * np.minimum(every, DAYS)[entity]
    date = LAST_DAY - (DAYS - 1 - np.minimum(day.astype(int), DAYS - 1)).astype("timedelta64[D]")

    field = officers[(officers["role"] == "officer") & (officers["rank"] == "A")]
    codes = field["area_code"].to_numpy(dtype=str)
    order = np.argsort(codes, kind="stable")
    wanted = area_codes[entity].astype(str)
    low = np.searchsorted(codes, wanted, "left", sorter=order)
    high = np.searchsorted(codes, wanted, "right", sorter=order)
    officer = order[low + (rng.uniform(0, 1, len(entity)) * (high - low)).astype(int)]
    xy = shapely.get_coordinates(enterprises.geometry.to_numpy())[entity]
    xy = np.round(xy + rng.normal(0, 4e-5, xy.shape), 7)
    frame = pd.DataFrame(
        {
            "date": np.datetime_as_string(date, unit="D").astype(object),
            "officer_id": field["officer_id"].to_numpy(dtype=object)[officer],
            "area_code": area_codes[entity],
            "entity_id": enterprises["id"].to_numpy(dtype=object)[entity],
            "lon": xy[:, 0],
            "lat": xy[:, 1],
            "result": np.where(rng.uniform(0, 1, len(entity)) < 0.07, "hazard", "normal").astype(object),
            "synthetic": True,
        }
    )
    frame = frame.sort_values(["date", "entity_id"], kind="stable", ignore_index=True)
    frame.insert(0, "visit_id", numbered_ids("V", len(frame)))
    return frame, {"enterprises_left_out": int(left_out.sum())}
