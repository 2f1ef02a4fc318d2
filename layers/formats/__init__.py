"""File formats, chosen by extension: reading into WGS 84 frames, and writing files completely or not at all.

`layers.fields.columns` gives the columns their standard names.
"""

from layers.formats.gdal import restrict_drivers
from layers.formats.read import layer_names, read_layer, read_table
from layers.formats.registry import (
    READABLE_EXTENSIONS,
    WRITABLE_EXTENSIONS,
    Format,
    input_format,
    output_format,
    validate_outputs,
)
from layers.formats.write import atomic_write, write_bytes, write_layer, write_layers, write_table, write_text

__all__ = [
    "READABLE_EXTENSIONS",
    "WRITABLE_EXTENSIONS",
    "Format",
    "atomic_write",
    "input_format",
    "layer_names",
    "output_format",
    "read_layer",
    "read_table",
    "validate_outputs",
    "write_bytes",
    "write_layer",
    "write_layers",
    "write_table",
    "write_text",
]

restrict_drivers()
