"""Numbers in requests are written as people write them: Python's underscores are none."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import ValidationError

from api.routes import ROUTERS
from api.routes.exports import ExportRequest
from api.schemas.divisions import SquareDivision


def parameters(dependant: Dependant) -> Iterator[ModelField]:
    """The parameters of a path and a query, and of what they depend on."""
    yield from (*dependant.path_params, *dependant.query_params)
    for each in dependant.dependencies:
        yield from parameters(each)


def test_every_number_of_an_address_refuses_underscores() -> None:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    numbers = 0
    for route in routes:
        for field in parameters(route.dependant):
            if field.validate("5", {}, loc=("query", field.name)) == (5, []):
                numbers += 1
                assert field.validate("0_5", {}, loc=("query", field.name))[1], (route.path, field.name)
    assert numbers > 30


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        (SquareDivision, {"scheme": "s", "name": "n", "size_m": "1_00"}),
        (SquareDivision, {"scheme": "s", "name": "n", "size_m": 100, "min_share": "0_0.25"}),
        (ExportRequest, {"layer": "gaps", "run": "1_0"}),
    ],
)
def test_numbers_in_bodies_refuse_underscores(model: Any, sent: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="without underscores"):
        model.model_validate(sent)
