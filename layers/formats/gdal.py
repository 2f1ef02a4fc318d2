"""GDAL, confined to the drivers of our formats and without a network.

GDAL picks a driver by what a file holds, not by its name, and some files only say which others to read:
a virtual layer names any file of this machine, a web service any address. What is read of a file that was
sent here is what it holds.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pyogrio import list_drivers, set_gdal_config_options
from pyogrio._ogr import _register_drivers

from layers.formats.registry import FORMATS

# Besides ours, tables of Excel, and other formats with the extension .json; these read nothing but the file.
_DRIVERS = {"MEM", "ESRIJSON", "GeoJSONSeq", "TopoJSON", "XLSX", *(each.driver for each in FORMATS)}


def restrict_drivers() -> None:
    """Deregister all other drivers in this process, and cut GDAL off from the network."""
    # No such proxy exists, so that every request fails at once.
    nowhere = dict.fromkeys(("GDAL_HTTP_PROXY", "GDAL_HTTPS_PROXY"), "nowhere://")
    others = sorted(set(list_drivers()) - _DRIVERS)
    # Its own way to Arrow spoils the memory where a FlatGeobuf has arcs.
    safe = {"OGR_FLATGEOBUF_STREAM_BASE_IMPL": "YES"}
    # Codes of digits stay text, and the first row of a sheet names its columns.
    workbooks = {"OGR_XLSX_FIELD_TYPES": "STRING", "OGR_XLSX_HEADERS": "FORCE"}
    set_gdal_config_options({"GDAL_SKIP": ",".join(others), **nowhere, **safe, **workbooks})
    # GDAL skips drivers only while it registers them.
    _register_drivers()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Hide what GDAL warns of; what matters of it we say ourselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
