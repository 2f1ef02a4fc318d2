"""What the message of a job advises to fill in is a field of the form that asked for it."""

import importlib
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest

from api.jobs.form_fields import FORM_FIELDS, name_fields

imports = importlib.import_module("api.routes.imports")


@pytest.mark.parametrize(
    ("kind", "route"),
    [
        ("import-entities", imports.import_entities),
        ("import-areas", imports.import_areas),
        ("import-cells", imports.import_cells),
    ],
)
def test_the_fields_are_those_of_the_form(kind: str, route: object) -> None:
    reading = set(get_type_hints(imports._read_options)) - {"return"}
    hints = get_type_hints(route, include_extras=True)
    given = {name for name, hint in hints.items() if get_origin(hint) is Annotated or get_args(hint)}
    assert set(FORM_FIELDS[kind]) <= given | reading
    assert reading <= set(FORM_FIELDS[kind])
    assert {name for name in given if name.endswith("_field")} <= set(FORM_FIELDS[kind])


def test_options_become_fields_or_go() -> None:
    message = "The file has no field 'code'; name it with --code-field (fields: a)."
    assert (
        name_fields("import-areas", message)
        == "The file has no field 'code'; name it with code_field (fields: a)."
    )
    assert name_fields("import-entities", message) == (
        "The file has no field 'code'; the form has no field for it: put it right in the file (fields: a)."
    )
