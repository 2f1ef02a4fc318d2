"""Profiles: the standards that codes, records and plans of cells follow, as data.

Each profile is a TOML file of this package or of the user, with the source of every statement. Making codes
belongs to `gis.codes`, judging cells by a profile to `gis.conform`.
"""

from gis.profiles.builtin import PROFILE_NAMES, load_profile
from gis.profiles.parse import parse_profile
from gis.profiles.profile import Profile, Source
from gis.profiles.record import complete_record

__all__ = ["PROFILE_NAMES", "Profile", "Source", "complete_record", "load_profile", "parse_profile"]
