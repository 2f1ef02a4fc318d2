"""How the cells of a map are coloured by a measure: where each class begins and ends, and its colour."""

from typing import NamedTuple

import numpy as np

from gis.arrays import FloatArray
from gis.classes import ClassificationMethod, class_ranges, upper_bounds
from gis.measures import Measure

_RAMP = ("#e6f2ec", "#bfe0d4", "#86c3c0", "#4b9dab", "#1f7089", "#0c4560", "#072c44")
_FULL_RAMP_ABOVE = 5
# So few classes do without the darkest tint.


class Classification(NamedTuple):
    """Into how many classes a measure is divided at most, and by which method."""

    classes: int = 5
    method: ClassificationMethod = ClassificationMethod.quantiles

    def ranges(self, measure: Measure, values: FloatArray) -> list[tuple[float, float]]:
        """Return from where to where each class of a measure's values reaches, as a legend says it.

        There are fewer classes where values repeat.
        """
        bounds = upper_bounds(values, self.classes, self.method, whole=measure.whole)
        return [(low, high) for low, high in class_ranges(values, bounds, whole=measure.whole).tolist()]


def sample_ramp(count: int) -> list[str]:
    """Return so many colours from light to dark, equally far apart on the ramp."""
    last = len(_RAMP) - (2 if count <= _FULL_RAMP_ABOVE else 1)
    places = np.array([last / 2]) if count == 1 else np.linspace(0, last, count)
    stops = np.array([[int(tint[at : at + 2], 16) for at in (1, 3, 5)] for tint in _RAMP])
    found = np.column_stack([np.interp(places, np.arange(len(_RAMP)), band) for band in stops.T])
    return ["#{:02x}{:02x}{:02x}".format(*row) for row in np.floor(found + 0.5).astype(int).tolist()]
