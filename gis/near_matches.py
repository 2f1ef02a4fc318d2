"""What a message says of a name that is not known: the names that are near, or all."""

from collections.abc import Iterable
from difflib import get_close_matches


def near_matches(name: str, known: Iterable[str], *, most: int = 12) -> str:
    """Return a clause that names what may have been meant, to be put after what is wrong.

    The names that are spelt alike; where there are none, the first `most` of all.
    """
    names = list(dict.fromkeys(known))
    lower = {each.lower(): each for each in reversed(names)}
    near = [lower[each] for each in get_close_matches(name.lower(), lower, n=3, cutoff=0.6)]
    if near:
        return f"near it: {', '.join(near)}"
    if not names:
        return "there is none"
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return f"there are: {', '.join(names[:most])}{rest}"
