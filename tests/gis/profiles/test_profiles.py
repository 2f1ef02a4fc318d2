"""Profiles of the package, and what is refused in a file of the user."""

import re

import pytest

from gis.errors import ParameterError
from gis.profiles import PROFILE_NAMES, load_profile, parse_profile

OWN_LAYOUTS = {"cn", "plain"}

SMALL = """
[title]
zh = "自定"
en = "own"

[code]
[[code.segments]]
name = "community"
from = "area"
length = 4
alphabet = "[0-9]"

[[code.segments]]
name = "sequence"
from = "sequence"
length = 2

[code.numbering]
last = 50
"""


def own(text=SMALL):
    return parse_profile(text, name="own", file="own.toml")


def sources(profile):
    yield profile.code.source
    yield profile.code.numbering_source
    yield from profile.plan.values()
    for each in (*profile.standards, *profile.record, *profile.levels.values()):
        yield each.source
    yield from (each.source for each in (profile.size, profile.border, profile.classes) if each)


@pytest.mark.parametrize("name", sorted(set(PROFILE_NAMES) - OWN_LAYOUTS))
def test_every_statement_of_a_standard_names_its_source(name):
    assert {each.kind for each in sources(load_profile(name))} <= {"e", "l", "s"}


@pytest.mark.parametrize(
    ("name", "length", "last", "undivided"),
    [
        ("gbt47678", 15, 999, None), ("gbt30428", 15, 999, None), ("db11-2157", 15, 999, None),
        ("cjt349", 20, 99, "00"), ("cjt213", 14, 99, "00"), ("cn", 15, None, None),
        ("plain", None, None, None),
    ],
)  # fmt: skip
def test_codes_of_the_standards(name, length, last, undivided):
    code = load_profile(name).code
    assert (code.length, code.last, code.undivided) == (length, last, undivided)


def test_an_own_profile():
    profile = own()
    assert (profile.name, profile.code.length, profile.code.last) == ("own", 6, 50)
    assert profile.title.zh == "自定"
    assert profile.code.source.words.en == "own rule"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[title]", "colour = 1\n[title]", "'colour' is unknown; allowed here: title, standards, code"),
        ("last = 50", "lst = 50", "'code.numbering.lst' is unknown; allowed here: first, last"),
        ("last = 50", "last = 100", "'code.numbering.last' must be at least 1 and fit"),
        ("last = 50", "last = true", "'code.numbering.last' must be a whole number, not True"),
        ("last = 50", 'undivided = "0"', "'code.numbering.undivided' must be digits"),
        ("last = 50", 'undivided = "01"', "'code.numbering.undivided' must be digits"),
        ("last = 50", 'reuse = "often"', "'code.numbering.reuse' must be one of never, not 'often'"),
        ("length = 4", "length = 0", "'code.segments[1].length' must be 1 or more, not 0"),
        ("length = 4", "", "'code.segments' needs a length for each part"),
        ("length = 2", "", "'code.segments' needs a length for the sequence"),
        ('"[0-9]"', '"[0-9]+"', "'code.segments[1].alphabet' must be letters and digits in brackets"),
        ('from = "area"', 'from = "town"', "'code.segments[1].from' must be one of area, class"),
        ('from = "area"', 'from = "sequence"', "'code.segments' must be classes, then parts"),
        ('name = "sequence"', 'name = "community"', "'code.segments' has 'community' twice"),
        ('name = "community"', "", "'code.segments[1].name' is missing; give a text"),
        ('zh = "自定"', 'zh = " "', "'title.zh' is empty"),
        ("[title]", "[title", "own.toml is not TOML"),
        ("[title]", "size = 3\n[title]", "'size' must be a table, not 3"),
        ("[code]", "[size]\nnominal_m2 = 9\nwarn_above_m2 = 8\n[code]", "'size.warn_above_m2' must not"),
        ("[code]", "[border]\ncolour = 'red'\n[code]", "'border.colour' must be a colour"),
        ("[code]", "[plan.wide]\n[code]", "'plan.wide' is unknown; allowed here: coverage, one_community"),
        ("[code]", "[levels.a]\nof = 'b'\nleast = 3\nmost = 2\n[code]", "'levels.a.most' must not be below"),
        ("[code]", "[code]\nsource = 'm'", "'code.source' must be one of e, l, s, own, not 'm'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_names_file_key_and_what_is_allowed(old, new, says):
    assert SMALL.count(old) == 1 or old in ("[code]",)
    with pytest.raises(ParameterError, match=re.escape(says)) as refused:
        own(SMALL.replace(old, new, 1))
    assert str(refused.value).startswith("own.toml")


def test_the_class_that_a_profile_leaves_open():
    assert load_profile("cjt349").code.class_code is None
    profile = load_profile("cjt349:123456")
    assert (profile.name, profile.code.class_code) == ("cjt349:123456", "123456")
    for name, says in (
        ("cjt349:12", "has 6 characters of [0-9], which '12' has not"),
        ("cjt213:123456", "begin with no class"),
        ("gbt1", "There is no profile 'gbt1'; there are gbt47678"),
    ):
        with pytest.raises(ParameterError, match=re.escape(says)):
            load_profile(name)
