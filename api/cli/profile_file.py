"""Profiles by name or from a TOML file of the user."""

from pathlib import Path
from typing import TYPE_CHECKING

from gis.errors import ParameterError

if TYPE_CHECKING:
    from gis.profiles import Profile


def read_profile(name_or_file: str) -> "Profile":
    """Return the profile of this name, or of the file of this path.

    Raises
    ------
    ParameterError
        If there is neither, or the file holds no valid profile.
    """
    from gis.profiles import PROFILE_NAMES, load_profile, parse_profile

    path = Path(name_or_file)
    if path.suffix.lower() != ".toml":
        return load_profile(name_or_file)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ParameterError(
            f"{path} cannot be read: {error.strerror}; a profile is a TOML file or one of "
            f"{', '.join(PROFILE_NAMES)}."
        ) from error
    except UnicodeDecodeError as error:
        raise ParameterError(f"{path} is not TOML: it is not in UTF-8.") from error
    return parse_profile(text, name=path.stem, file=str(path))
