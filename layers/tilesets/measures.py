"""Measures of the cells that a caller may see, in figures: ranges, classes and histograms."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.arrays import FloatArray, IntArray
from gis.classes import ClassificationMethod, Histogram, class_counts, class_ranges, histogram, upper_bounds
from gis.errors import NotFoundError
from gis.measures import Measure
from layers.tilesets.cells import CellTileSet
from layers.tilesets.tile_set import VisibleAreas


@dataclass(frozen=True, slots=True)
class MeasureSummary:
    """A measure with its range over some cells.

    Attributes
    ----------
    measure
        Which.
    min, max, mean, sum
        Over the cells whose value is known; None without any, and the sum also where it means nothing.
    """

    measure: Measure
    min: float | None
    max: float | None
    mean: float | None
    sum: float | None


@dataclass(frozen=True, eq=False, slots=True)
class MeasureClassification:
    """The values of a measure in classes.

    Attributes
    ----------
    measure
        Which.
    method
        How the classes were found.
    breaks
        The greatest value of each class, inclusive, shape (k,).
    ranges
        From where to where a legend says that each reaches, shape (k, 2).
    counts
        How many cells each holds, shape (k,).
    histogram
        How often values occur.
    min, max
        Over the cells whose value is known; None without any.
    """

    measure: Measure
    method: ClassificationMethod
    breaks: FloatArray
    ranges: FloatArray
    counts: IntArray
    histogram: Histogram
    min: float | None
    max: float | None


class VisibleMeasures:
    """The measures of the cells of a tile set that a caller may see.

    Attributes
    ----------
    cells
        How many cells these are.
    area_m2
        The area that they cover, m².
    """

    def __init__(self, tiles: CellTileSet, scope: VisibleAreas) -> None:
        self._tiles = tiles
        self._seen = tiles.visible_mask(scope)
        self.cells = int(self._seen.sum())
        self.area_m2 = float(tiles.cell_layers.cells.versions.areas_m2[self._seen].sum())

    def summaries(self) -> list[MeasureSummary]:
        """Return every measure with its range, in the order of the catalogue."""
        return [self._summarise(measure) for measure in self._tiles.cell_layers.measures]

    def classify(self, key: str, classes: int, method: ClassificationMethod) -> MeasureClassification:
        """Divide the values of a measure into classes.

        Parameters
        ----------
        key
            Of the measure.
        classes, method
            The most classes, and how they are found.

        Raises
        ------
        NotFoundError
            If there is no such measure.
        """
        measure = self._find(key)
        values = self._values(measure)
        bounds = upper_bounds(values, classes, method, whole=measure.whole)
        summary = self._summarise(measure)
        return MeasureClassification(
            measure=measure,
            method=method,
            breaks=bounds,
            ranges=class_ranges(values, bounds, whole=measure.whole),
            counts=class_counts(values, bounds),
            histogram=histogram(values, whole=measure.whole),
            min=summary.min,
            max=summary.max,
        )

    def codes_between(self, key: str, above: float | None, up_to: float | None) -> list[str]:
        """Return the codes of the cells whose value is known, greater than one bound and not than the other.

        Raises
        ------
        NotFoundError
            If there is no such measure.
        """
        values = self._values(self._find(key))
        inside = np.isfinite(values)
        if above is not None:
            inside &= values > above
        if up_to is not None:
            inside &= values <= up_to
        codes: list[str] = self._tiles.cell_layers.codes[self._seen][inside].tolist()
        return codes

    def _find(self, key: str) -> Measure:
        if key not in self._tiles.values:
            raise NotFoundError(f"There is no measure '{key}'; there are {', '.join(self._tiles.values)}.")
        return next(each for each in self._tiles.cell_layers.measures if each.key == key)

    def _values(self, measure: Measure) -> NDArray[Any]:
        values: NDArray[Any] = self._tiles.values[measure.key][self._seen]
        return values

    def _summarise(self, measure: Measure) -> MeasureSummary:
        values = self._values(measure)
        known = values[np.isfinite(values)]
        if not len(known):
            return MeasureSummary(measure, None, None, None, None)
        total = float(known.sum()) if measure.is_additive else None
        return MeasureSummary(measure, float(known.min()), float(known.max()), float(known.mean()), total)
