"""What the tests of all rooms share: the real data beside the repository."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, which is not part of the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data: {SHARED_DATA.name} is absent beside the repository")
    return SHARED_DATA
