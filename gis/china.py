"""Where China's geodetic rules apply: the extent in which GCJ-02 shifts coordinates.

The extent also decides between CGCS2000 Gauss-Kruger zones and UTM; `gis.datum` owns the shift itself.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Rectangles (west, south, east, north) in degrees: a coarse outline of the mainland and Hainan ...
_INSIDE = np.array(
    [
        (79.4462, 42.8899, 96.3300, 49.2204),
        (109.6872, 39.3742, 135.0002, 54.1415),
        (73.1246, 29.5297, 124.143255, 42.8899),
        (82.9684, 26.7186, 97.0352, 29.5297),
        (97.0253, 20.414096, 124.367395, 29.5297),
        (107.975793, 17.871542, 111.744104, 20.414096),
    ]
)
# ... less what lies within them and is not shifted (Taiwan, parts of the neighbours to the south and north).
_OUTSIDE = np.array(
    [
        (119.921265, 21.785006, 122.497559, 25.398623),
        (101.8652, 20.0988, 106.665, 22.2840),
        (106.4525, 20.4878, 108.051, 21.5422),
        (109.0323, 50.3257, 119.127, 55.8175),
        (127.4568, 49.5574, 137.0227, 55.8175),
        (131.2662, 42.5692, 137.0227, 44.8922),
    ]
)


def in_china(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Tell which locations lie in the coarse outline of China.

    Parameters
    ----------
    lon, lat
        Degrees, any shape; NaN counts as outside.

    Returns
    -------
    ndarray of bool
        The broadcast shape of `lon` and `lat`.
    """
    x, y = np.broadcast_arrays(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))

    def within(rectangles: NDArray[np.float64]) -> NDArray[np.bool_]:
        result = np.zeros(x.shape, dtype=bool)
        for west, south, east, north in rectangles:
            result |= (x >= west) & (x <= east) & (y >= south) & (y <= north)
        return result

    return within(_INSIDE) & ~within(_OUTSIDE)
