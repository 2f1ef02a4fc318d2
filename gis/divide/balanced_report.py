"""How well the loads of cells are balanced, and why some are out of tolerance."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gis.arrays import FloatArray, IntArray, ObjectArray
from gis.balance import LoadTarget
