"""The one error tree of Wangge.

Every message is one sentence for a person: which file or record, what is wrong, what to do. `api`
maps the classes to exit codes in one table.
"""


class WanggeError(Exception):
    """Something the user can mend; its text is the whole message."""


class InputError(WanggeError):
    """A file, field, record, option or coordinate reference system that cannot be used."""


class CoverageError(InputError):
    """Polygons that should be a coverage overlap, leave unmatched vertices or cross their parent."""


class CapacityError(InputError):
    """More cells than a code's sequence digits can number."""


class RefusedError(WanggeError):
    """A repair that would do damage: lose a record, split a part, or change too much area."""
