"""The file formats that go in and out, picked by the file's extension.

It owns reading into WGS 84 frames and writing whole files or none; `layers.fields.columns` gives the
columns their standard names.
"""

from layers.formats.gdal import confine
from layers.formats.read import layer_names, read_layer, read_table
from layers.formats.registry import READABLE, WRITABLE, Format, input_format, output_format, plan_outputs
from layers.formats.write import replacing, write_bytes, write_layer, write_layers, write_table, write_text

__all__ = [
    "READABLE",
    "WRITABLE",
    "Format",
    "input_format",
    "layer_names",
    "output_format",
    "plan_outputs",
    "read_layer",
    "read_table",
    "replacing",
    "write_bytes",
    "write_layer",
    "write_layers",
    "write_table",
    "write_text",
]

confine()
