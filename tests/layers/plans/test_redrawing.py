"""Random edits of drafts by two people, through the database, each judged against the whole plan."""

from collections.abc import Callable
from contextlib import closing

import geopandas as gpd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from layers.db.database import Database
from layers.plans.drafts import create_draft
from layers.plans.schemes import create_scheme
from tests.gis.redraw.towns import METRES, STEP, town
from tests.layers.plans.redrawing import Redrawing, add_random_entities

REPEATABLE = settings().derandomize
STEPS, DATABASES = (12, ["sqlite"]) if REPEATABLE else (60, ["sqlite", "postgresql"])
"""The suite takes a few steps on one database, `make fuzz` many on both."""


def drafted(database: Database, cells: gpd.GeoDataFrame) -> int:
    with database.write() as session:
        scheme = create_scheme(session, "community", "社区网格", working_crs=METRES.to_string())
        return create_draft(session, scheme.id, cells, name="p", created_by="t").id


@pytest.mark.parametrize("copy_of", DATABASES, indirect=True)
@settings(
    max_examples=2 if REPEATABLE else 20,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1))
def test_after_each_step_all_is_as_if_it_had_been_computed_anew(
    make_database: Callable[[], Database], seed: int
) -> None:
    cells = town().to_frame()
    with closing(make_database()) as database:
        add_random_entities(database, cells, 300, seed)
        redrawing = Redrawing(database, drafted(database, cells), size=STEP, seed=seed)
        for _ in range(STEPS):
            redrawing.step()
        redrawing.undo_all()
