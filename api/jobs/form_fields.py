"""The fields of the forms of imports, which messages about a file advise to fill in."""

from collections.abc import Collection, Mapping

from api.advice import rewrite_options

READ_FIELDS = ("layer", "source_crs", "lon_field", "lat_field", "encoding")
"""The fields of a form that say how its file is to be read, as parameters of `layers.formats.read_layer`."""

AREA_FIELDS = ("code_field", "name_field", "level_field", "parent_field")
CELL_FIELDS = ("code_field", "name_field", "area_field")
"""Those that say which fields of the file are meant, as parameters of `layers.fields.columns`."""

FORM_FIELDS: Mapping[str, Collection[str]] = {
    "import-entities": (*READ_FIELDS, "kind", "id_field", "datum", "personal", "confirm"),
    "import-areas": (*READ_FIELDS, *AREA_FIELDS, "parents_from_children", "number_merged", "on", "confirm"),
    "import-cells": (*READ_FIELDS, *CELL_FIELDS, "personal"),
    "divide": ("units_scheme", "parts"),
}
"""The fields that a message may advise to fill in, by kind of job."""

_OTHERWISE = "the form has no field for it: put it right in the file"


def name_fields(kind: str, message: str) -> str:
    """Return a message with the fields of the form in the place of the options of the command line."""
    fields = FORM_FIELDS.get(kind, ())
    return rewrite_options(message, lambda name: name if name in fields else None, _OTHERWISE)
