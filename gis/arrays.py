"""The types of arrays, named once."""

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ObjectArray = NDArray[np.object_]
"""Any Python objects: texts, and None where there is none."""

Geometries = NDArray[np.object_]
"""Shapely geometries, None where there is none."""
