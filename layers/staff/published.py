"""What is published of who answers for a place: the name and phone on the notice board."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

_NAME_FIELDS = ("name", "姓名", "full_name", "fullname")
_PHONE_FIELDS = ("phone", "电话", "手机", "手机号", "联系电话", "mobile", "tel", "telephone")

# What a post publishes is declared by such beginnings of its fields, see `layers.fields.personal`.
_PUBLISHED = ("published_", "公示", "公开")


class Named(Protocol):
    """Whatever has the attributes of an officer."""

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What is published of the officer, among others."""


def officer_name(officer: Named, personal: Mapping[str, Any]) -> str | None:
    """Return what an officer is called: the published name, or that among the personal values.

    Parameters
    ----------
    personal
        The officer's personal values as they are shown, masked or plain.
    """
    return _first_value(officer.attributes, _NAME_FIELDS, _PUBLISHED) or _first_value(personal, _NAME_FIELDS)


def officer_phone(officer: Named, personal: Mapping[str, Any]) -> str | None:
    """Return by which phone an officer is called; parameters as for `officer_name`."""
    return _first_value(officer.attributes, _PHONE_FIELDS, _PUBLISHED) or _first_value(
        personal, _PHONE_FIELDS
    )


def _first_value(
    values: Mapping[str, Any], fields: Sequence[str], prefixes: Sequence[str] = ("",)
) -> str | None:
    """Return the value of the first field, as a file may have called it, after one of some prefixes."""
    lowered = {key.strip().lower(): value for key, value in values.items()}
    names = (prefix + field for field in fields for prefix in prefixes)
    return next((str(lowered[name]) for name in names if lowered.get(name)), None)


class PublishingPost(Protocol):
    """Whatever has what a post publishes."""

    @property
    def published_name(self) -> str | None:
        """The name at this post, where it differs from what the officer publishes."""

    @property
    def published_phone(self) -> str | None:
        """The phone at this post, likewise."""


class PublishedPost:
    """The name and phone of an officer at a post: of the post, of the officer, or personal ones as shown.

    Parameters
    ----------
    officer
        Who holds it.
    post
        None where the officer answers without one.
    """

    def __init__(self, officer: Named, post: PublishingPost | None) -> None:
        self._officer, self._post = officer, post

    def name(self, personal: Mapping[str, Any] | None = None) -> str | None:
        """Return the name; without personal values, masked or plain, only what is published."""
        own = None if self._post is None else self._post.published_name
        return own or officer_name(self._officer, personal or {})

    def phone(self, personal: Mapping[str, Any] | None = None) -> str | None:
        """Return the phone, as `name` does."""
        own = None if self._post is None else self._post.published_phone
        return own or officer_phone(self._officer, personal or {})
