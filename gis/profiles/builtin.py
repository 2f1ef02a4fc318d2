"""The profiles that come with the program, by name."""

import re
from dataclasses import replace
from functools import cache
from importlib.resources import files

from gis.errors import ParameterError
from gis.profiles.parse import parse_profile
from gis.profiles.profile import Profile

PROFILE_NAMES = ("gbt47678", "gbt30428", "db11-2157", "cjt349", "cjt213", "cn", "plain")
"""Names of the profiles in this package: standards first, then the product's own layouts."""


@cache
def load_profile(name: str) -> Profile:
    """Return a profile of this package.

    Parameters
    ----------
    name
        One of `PROFILE_NAMES`; where codes begin with a class that the profile leaves open, ``name:class``
        names it, e.g. "cjt349:123456".

    Raises
    ------
    ParameterError
        If there is none of the name, or the class does not fit.
    """
    base, colon, class_code = name.partition(":")
    if base not in PROFILE_NAMES:
        raise ParameterError(f"There is no profile '{base}'; there are {', '.join(PROFILE_NAMES)}.")
    if colon:
        return _with_class(load_profile(base), class_code)
    file = files("gis.profiles") / f"{name}.toml"
    return parse_profile(file.read_text(encoding="utf-8"), name=name, file=file.name)


def _with_class(profile: Profile, value: str) -> Profile:
    """Return a profile whose codes begin with a class."""
    first = profile.code.segments[0]
    if first.origin != "class" or first.value is not None:
        raise ParameterError(f"Codes of profile {profile.name} begin with no class that could be named.")
    if not re.fullmatch(f"{first.alphabet}{{{first.length}}}", value, re.ASCII):
        raise ParameterError(
            f"The class of profile {profile.name} has {first.length} characters of {first.alphabet}, "
            f"which '{value}' has not."
        )
    segments = (replace(first, value=value), *profile.code.segments[1:])
    return replace(profile, name=f"{profile.name}:{value}", code=replace(profile.code, segments=segments))
