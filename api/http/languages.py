"""The language in which a caller reads sentences."""

LANGUAGES = ("zh", "en")
"""The languages of sentences; the last is that of callers who ask for neither."""


def preferred_language(accepted: str) -> str:
    """Return the language that an Accept-Language header prefers among ours.

    Each of its languages may have a weight, 1 when not given; one of weight 0 is not wanted.
    """
    weights: dict[str, float] = {}
    for part in accepted.split(","):
        tag, _, parameter = part.partition(";")
        name = tag.strip().lower().partition("-")[0]
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if name in LANGUAGES:
            weights[name] = max(weight, weights.get(name, 0.0))
    wanted = [name for name, weight in weights.items() if weight > 0]
    return max(wanted, key=weights.__getitem__, default=LANGUAGES[-1])
