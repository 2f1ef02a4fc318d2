"""The language in which a caller reads sentences."""

import pytest

from api.messages import preferred_language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB, zh;q=0.5", "en"),
        ("fr, de;q=0.9, zh-Hant;q=0.1", "zh"),
        ("zh;q=0", "en"),
        ("en;q=0.2, zh;q=0.3", "zh"),
        ("*", "en"),
        ("zh;q=much", "en"),
    ],
)
def test_the_language_preferred_among_ours(accepted: str, language: str) -> None:
    assert preferred_language(accepted) == language
