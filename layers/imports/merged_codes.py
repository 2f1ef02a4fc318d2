"""The codes of merged communities, which some profiles number from 601 on."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.area_changes import AreaChangeKind, AreaChanges
from gis.profiles.profile import Profile
from layers.models import Area, Scheme
from layers.plans.schemes import scheme_profile

_MERGED_AND_NEW = {AreaChangeKind.merged, AreaChangeKind.founded}


def propose_merged_codes(session: Session, changes: AreaChanges) -> dict[str, tuple[str, Profile]]:
    """Return the areas that were merged and are not numbered as the profile of a scheme numbers such.

    Returns
    -------
    dict
        For the code of each the next that no area has or had, and the profile.
    """
    merged = [change.code for change in changes.changes if set(change.kinds) >= _MERGED_AND_NEW]
    if not merged:
        return {}
    profiles = [profile for scheme in session.scalars(select(Scheme)) if (profile := scheme_profile(scheme))]
    used = set(session.scalars(select(Area.code))) | {change.code for change in changes.changes}
    proposed: dict[str, tuple[str, Profile]] = {}
    for profile in profiles:
        rule = profile.code
        segments = rule.area_segments
        length = segments[-1].length if segments else None
        if rule.merged_from is None or length is None:
            continue
        whole = sum(segment.length or 0 for segment in segments)
        for code in merged:
            head, tail = code[:-length], code[-length:]
            if code in proposed or len(code) != whole or not code.isdigit() or int(tail) >= rule.merged_from:
                continue
            taken = {
                int(each[-length:]) for each in used if each[:-length] == head and each[-length:].isdigit()
            }
            number = max([rule.merged_from - 1, *(each for each in taken if each >= rule.merged_from)]) + 1
            if number < 10**length:
                proposed[code] = (f"{head}{number:0{length}}", profile)
                used.add(proposed[code][0])
    return proposed
