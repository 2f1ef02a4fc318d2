"""GDAL, confined to the drivers of our formats and without a network.

GDAL chooses a driver by content, not by name, and some formats only refer to other sources: a virtual layer
to any file of this machine, a web service to any address. Only what an uploaded file itself contains may be
read.
"""

from pyogrio import list_drivers, set_gdal_config_options
from pyogrio._ogr import _register_drivers

from layers.formats.registry import FORMATS

# Besides ours, other formats with the extension .json; these read nothing but the file.
_DRIVERS = {"MEM", "ESRIJSON", "GeoJSONSeq", "TopoJSON", *(each.driver for each in FORMATS)}


def restrict_drivers() -> None:
    """Deregister all other drivers in this process, and cut GDAL off from the network."""
    # No such proxy exists, so that every request fails at once.
    nowhere = dict.fromkeys(("GDAL_HTTP_PROXY", "GDAL_HTTPS_PROXY"), "nowhere://")
    others = sorted(set(list_drivers()) - _DRIVERS)
    set_gdal_config_options({"GDAL_SKIP": ",".join(others), **nowhere})
    # GDAL skips drivers only while it registers them.
    _register_drivers()
