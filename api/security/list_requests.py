"""What a caller asks of a list, restricted to what the caller may see."""

from collections.abc import Collection
from datetime import date

from api.http.list_parameters import ListParams
from api.security.principal import Principal
from api.security.shown_officers import ShownOfficers
from gis.errors import NotFoundError
from layers.lists import ListRequest


def list_request(
    params: ListParams,
    caller: Principal,
    shown: ShownOfficers,
    *,
    personal: bool,
    cells: Collection[str] | None = None,
) -> ListRequest:
    """Return the request of a caller.

    Parameters
    ----------
    params
        As the request has them.
    caller
        Who asks.
    shown
        Gives the personal values of officers.
    personal
        Whether people are looked for by name; that the caller may has been checked.
    cells
        The codes of the cells that are asked for; all when not given.

    Raises
    ------
    NotFoundError
        If the area is not the caller's.
    """
    if params.area is not None and not caller.covers(params.area):
        raise NotFoundError(f"There is no area '{params.area}'.")
    return ListRequest(
        scope=caller.area_code,
        language=params.lang,
        personal_of=shown.personal_of,
        personal=personal,
        on=params.at or date.today(),
        scheme=params.scheme,
        cell=params.cell,
        area=params.area,
        kind=params.kind,
        severity=params.severity,
        run=params.run,
        since=params.since,
        text=params.text,
        staffed=params.staffed,
        cells=cells,
        gap=params.gap,
        affected=params.affected,
        plan=params.plan,
        against=params.against,
        from_cell=params.from_cell,
        to_cell=params.to_cell,
    )
