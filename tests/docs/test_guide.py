"""What the guides tell: every word in bold is one of the page, and every picture and page linked is there."""

import re
from pathlib import Path

import pytest

from gis.gaps import GAP_KINDS

REPOSITORY = Path(__file__).parents[2]
GUIDES = {"docs/guide.md": 1, "docs/guide.zh-CN.md": 0}
SHOWN = (
    "README.md",
    "README.zh-CN.md",
    "CONTRIBUTING.md",
    *(f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md")),
)
# What is in bold for other reasons: the other language, and a thing that is no word of the page.
OTHERS = {"English", "中文", "one-time link", "一次性登录链接"}


def words(column: int) -> set[str]:
    """The words of the page in Chinese (0) or in English (1)."""
    files = (REPOSITORY / "api" / "web" / "js").rglob("words.js")
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    pairs = re.findall(r'\[\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)",?\s*\]', text)
    assert len(pairs) > 100
    found = {pair[column] for pair in pairs}
    # Words that are followed by what was typed.
    found |= {re.split(r":? ?“\{", word)[0] for word in found}
    return found | {kind.label[column] for kind in GAP_KINDS.values()}


@pytest.mark.parametrize("guide", GUIDES)
def test_bold_words_of_a_guide_are_words_of_the_page(guide: str) -> None:
    text = (REPOSITORY / guide).read_text(encoding="utf-8")
    bold = {" ".join(found.split()) for found in re.findall(r"\*\*(.+?)\*\*", text, re.DOTALL)} - OTHERS
    assert len(bold) > 20
    assert bold - words(GUIDES[guide]) == set()


@pytest.mark.parametrize("guide", GUIDES)
def test_what_the_page_says_is_quoted_as_it_says_it(guide: str) -> None:
    text = (REPOSITORY / guide).read_text(encoding="utf-8")
    table = text.rpartition("| --- | --- |\n")[2].partition("\n\n")[0]
    quoted = [row.strip("| ").split(" | ")[0].rstrip("…").strip() for row in table.splitlines()]
    assert len(quoted) == 10
    said = words(GUIDES[guide])
    assert [each for each in quoted if not any(each in sentence for sentence in said)] == []


@pytest.mark.parametrize("page", SHOWN)
def test_what_is_linked_is_there(page: str) -> None:
    path = REPOSITORY / page
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_every_picture_is_shown_and_small() -> None:
    shown = "".join((REPOSITORY / page).read_text(encoding="utf-8") for page in SHOWN)
    for picture in (REPOSITORY / "docs" / "images").iterdir():
        assert f"images/{picture.name})" in shown, picture.name
        assert picture.stat().st_size < 400_000, picture.name
