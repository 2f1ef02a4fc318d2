"""What the tests of all rooms share: the real data beside the repository, and how examples are drawn."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# `make test` draws the same examples every time, `make fuzz` new ones in each round.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, which is not part of the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data: {SHARED_DATA.name} is absent beside the repository")
    return SHARED_DATA
