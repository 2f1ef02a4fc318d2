"""The further outputs of a division, each where its option says."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from api.cli.divide.method import Options

if TYPE_CHECKING:
    import pandas as pd


def write_further(given: Options, frames: "Mapping[str, pd.DataFrame]") -> list[str]:
    """Write frames to the files that options name, as layers where they have geometry and the file holds it.

    Parameters
    ----------
    given
        The options that were given.
    frames
        By the names of the options.

    Returns
    -------
    list of str
        What a format could not keep.
    """
    import geopandas as gpd
    import pandas as pd

    from layers.formats import write_layer, write_table

    notes = []
    for name, frame in frames.items():
        if name not in given:
            continue
        path = given[name]
        if not isinstance(frame, gpd.GeoDataFrame):
            write_table(path, frame)
        elif path.suffix.lower() in (".csv", ".parquet"):
            write_table(path, pd.DataFrame(frame.drop(columns=frame.geometry.name)))
        else:
            notes += write_layer(path, frame)
    return notes
