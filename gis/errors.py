"""The error tree of Wangge: each message names the file or record, what is wrong and what to do."""


class WanggeError(Exception):
    """Something the user can put right; its text is the whole message."""


class InputError(WanggeError):
    """A file, field, record, option or coordinate reference system that cannot be used.

    An option that helps is named as `--source-crs` in a clause of its own, after a semicolon: where the
    message is read, it may have another name, or there may be none (`api.advice`).
    """

    file: str | None = None
    """The file at fault, where the message does not begin with it."""


class ParameterError(InputError):
    """A value of a parameter or rule that cannot be used, whatever the file."""


class CoverageError(InputError):
    """Polygons that should be a coverage overlap, leave unmatched vertices or cross their parent."""


class CapacityError(InputError):
    """More cells than a code's sequence digits can number."""


class RefusedError(WanggeError):
    """A repair that would do damage: lose a record, split a part, or change too much area."""


class NotFoundError(WanggeError):
    """What was requested does not exist, or is not visible to the caller."""


class StaleError(WanggeError):
    """A write that was based on a state which has changed since."""


class ConflictError(WanggeError):
    """A write that contradicts the present state, such as publishing twice at once."""


class UnauthorizedError(WanggeError):
    """The caller is not signed in, or the token is unknown, expired or revoked."""


class ForbiddenError(WanggeError):
    """The caller lacks the role, or the area."""


class LimitError(WanggeError):
    """More than is allowed: too large, too many, too often, too long."""


class BusyError(LimitError):
    """More than is allowed at once; it may be tried again after `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
