"""Who calls, with which rights, over which areas."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gis.errors import ForbiddenError
from layers.areas.scope import outside_scope
from layers.models.identity import caller_label


class Role(StrEnum):
    """What an account or token is for."""

    viewer = "viewer"
    integrator = "integrator"
    planner = "planner"
    publisher = "publisher"
    admin = "admin"


class Right(StrEnum):
    """What a route asks of its caller."""

    enter = "enter"
    """Be signed in."""
    read = "read"
    """Read what is not personal; personal values are masked without `reveal`."""
    bulk = "bulk"
    """Look up many locations in one request."""
    record = "record"
    """Create, change and end entities; import them."""
    draft = "draft"
    """Make and change drafts of plans."""
    publish = "publish"
    """Approve and publish plans; keep officers and their posts."""
    reveal = "reveal"
    """See personal data; each time is audited."""
    administer = "administer"
    """Keep areas, accounts and tokens; read the audit."""


_READER = frozenset({Right.enter, Right.read})
_PLANNER = _READER | {Right.bulk, Right.draft}
_PUBLISHER = _PLANNER | {Right.publish, Right.reveal}

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.viewer: _READER,
    Role.integrator: _READER | {Right.bulk, Right.record},
    Role.planner: _PLANNER,
    Role.publisher: _PUBLISHER,
    Role.admin: frozenset(Right),
}
"""The rights of each role; a token of an integrator may be granted `reveal` as well."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a request.

    Attributes
    ----------
    kind
        `account`, `token` or `system` (the command line).
    id
        The key of the account or token.
    name
        Its name.
    role, rights
        What it is for, and what it may therefore do.
    area_code
        The area it is bound to; None when it is bound to none.
    covered
        The codes of that area and of all beneath it; None when it is bound to none.
    """

    kind: str
    id: int
    name: str
    role: Role
    rights: frozenset[Right]
    area_code: str | None
    covered: frozenset[str] | None

    @property
    def label(self) -> str:
        """How records name the caller: no two have the same."""
        return self.name if self.kind == "system" else caller_label(self.kind, self.id, self.name)

    @property
    def is_unrestricted(self) -> bool:
        """The caller is bound to no area."""
        return self.covered is None

    def covers(self, area_code: str | None) -> bool:
        """Return whether an area lies in the caller's; None stands for the whole ground or for none known."""
        return self.covered is None or area_code in self.covered

    def require_right(self, right: Right) -> None:
        """Refuse a caller without a right.

        Raises
        ------
        ForbiddenError
            If the role does not have it.
        """
        if right not in self.rights:
            raise ForbiddenError(f"The role {self.role} lacks the right '{right}'; ask an administrator.")

    def require_area(self, area_code: str | None) -> None:
        """Refuse a caller whose area does not cover another; for writes whose area the caller names.

        Raises
        ------
        ForbiddenError
            If it does not.
        """
        if self.area_code is not None and not self.covers(area_code):
            raise outside_scope(self.area_code)


SYSTEM = Principal("system", 0, "command line", Role.admin, RIGHTS[Role.admin], None, None)
"""The person at the machine itself, who could change the database by other means too."""
