"""What is published of who answers for a place: the name and phone on the notice board."""

from collections.abc import Mapping
from typing import Any, Protocol

from layers.staff.officers import Named, officer_name, officer_phone


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
