"""What the tests of the whole service share."""

from collections.abc import Callable

import pytest


@pytest.fixture
def show(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keep a line for the summary of the run, where a reader of the log of CI finds it."""
    # Not by `record_property`, which warns where another format of reports is asked for.
    return lambda line: request.node.user_properties.append(("shown", line))
