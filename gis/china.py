"""Where China's rules apply: the outline in which GCJ-02 shifts coordinates, and the border."""

import numpy as np
import shapely
from numpy.typing import ArrayLike

from gis.arrays import BoolArray, FloatArray

# Rectangles (west, south, east, north) in degrees: a coarse outline of the mainland and Hainan ...
_SHIFTED_RECTANGLES = np.array(
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
_UNSHIFTED_RECTANGLES = np.array(
    [
        (119.921265, 21.785006, 122.497559, 25.398623),
        (101.8652, 20.0988, 106.665, 22.2840),
        (106.4525, 20.4878, 108.051, 21.5422),
        (109.0323, 50.3257, 119.127, 55.8175),
        (127.4568, 49.5574, 137.0227, 55.8175),
        (131.2662, 42.5692, 137.0227, 44.8922),
    ]
)


def in_gcj02_outline(lon: ArrayLike, lat: ArrayLike) -> BoolArray:
    """Return which locations lie in the coarse outline of China that GCJ-02 uses.

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

    def within(rectangles: FloatArray) -> BoolArray:
        result = np.zeros(x.shape, dtype=bool)
        for west, south, east, north in rectangles:
            result |= (x >= west) & (x <= east) & (y >= south) & (y <= north)
        return result

    return within(_SHIFTED_RECTANGLES) & ~within(_UNSHIFTED_RECTANGLES)


# The land border and the coast, within about 20 km; longitude and latitude in degrees, counter-clockwise.
_BORDER = shapely.Polygon(
    [
        *[(73.4, 39.4), (74.9, 38.4), (74.8, 37.2), (76.0, 36.1), (77.8, 35.4), (78.1, 34.5), (79.4, 32.6)],
        *[(78.7, 31.3), (81.0, 30.1), (82.2, 30.1), (83.5, 29.3), (84.2, 28.9), (85.1, 28.3), (86.0, 27.9)],
        *[
            (87.0, 27.85),
            (88.1, 27.85),
            (88.75, 28.0),
            (88.75, 27.35),
            (89.0, 27.2),
            (89.1, 27.6),
            (89.5, 28.1),
        ],
        *[(90.5, 28.05), (91.6, 27.7), (92.1, 27.7), (94.0, 28.8), (95.4, 29.0), (96.2, 28.9), (97.3, 28.2)],
        *[(98.3, 27.5), (98.6, 25.9), (97.5, 24.7), (97.5, 23.9), (98.7, 23.8), (98.8, 23.2), (99.3, 22.1)],
        *[(100.0, 21.4), (101.1, 21.5), (101.7, 21.1), (101.8, 22.3), (102.4, 22.65), (103.0, 22.4)],
        *[(103.95, 22.5), (104.8, 22.75), (105.3, 23.2), (106.5, 22.85), (106.55, 22.1), (107.0, 21.9)],
        *[(107.95, 21.53), (107.9, 20.5), (108.2, 18.3), (109.5, 17.8), (111.3, 19.0), (112.8, 21.2)],
        *[(114.7, 21.8), (117.5, 22.8), (119.3, 24.6), (120.1, 25.6), (122.8, 28.5), (123.3, 30.8)],
        *[(122.8, 35.0), (123.3, 37.5), (123.8, 39.3), (124.3, 39.95), (124.4, 40.11), (125.0, 40.5)],
        *[(126.1, 41.0), (126.8, 41.65), (128.1, 41.35), (128.1, 42.0), (129.1, 42.1), (129.75, 42.45)],
        *[(129.9, 42.93), (130.25, 42.8), (130.65, 42.38), (131.1, 42.9), (131.3, 43.5), (131.3, 44.8)],
        *[
            (133.1, 45.05),
            (133.6, 46.2),
            (134.3, 47.3),
            (135.1, 48.4),
            (134.3, 48.42),
            (133.1, 48.15),
            (132.6, 47.9),
        ],
        *[(131.0, 47.75)],
        *[(130.6, 48.9), (127.55, 49.85), (127.54, 50.26), (126.9, 51.4), (126.0, 52.8), (123.6, 53.6)],
        *[(120.8, 53.3), (120.0, 52.7), (120.6, 52.0), (119.1, 50.2), (117.8, 49.55), (116.7, 49.9)],
        *[(115.5, 48.1), (117.4, 47.7), (118.6, 47.95), (119.8, 46.8), (116.3, 46.3), (113.6, 44.8)],
        *[(111.9, 45.1), (111.4, 43.7), (110.0, 42.7), (107.4, 42.45), (104.9, 41.65), (101.8, 42.55)],
        *[(97.0, 42.8), (95.4, 44.2), (93.5, 45.0), (91.0, 45.2), (91.0, 46.5), (88.0, 48.6), (87.8, 49.2)],
        *[
            (85.7, 48.3),
            (85.5, 47.1),
            (83.0, 47.25),
            (82.3, 45.6),
            (82.5, 45.25),
            (80.0, 45.0),
            (80.35, 44.2),
        ],
        *[(80.2, 42.2), (77.0, 41.1), (76.4, 40.5), (74.8, 40.5), (73.8, 39.9)],
    ]
)


def in_china_border(lon: ArrayLike, lat: ArrayLike) -> BoolArray:
    """Return which locations lie in mainland China, Hong Kong or Macau, within about 20 km of the border.

    The outline of `in_gcj02_outline` takes in Lahore, Bishkek and Kathmandu; use this one to choose zones and
    codes.

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
    return np.asarray(shapely.contains_xy(_BORDER, x, y), dtype=bool)
