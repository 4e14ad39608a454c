"""The three kinds of user, each with an issuer, an audience and keys of its own."""

from __future__ import annotations

from enum import Enum


class UserKind(Enum):
    """What a user is to Stack: decides issuer, audience and signing key of the access token."""

    NORMAL = ("projects", "")
    RESTRICTED = ("projects-restricted-users", ":restricted")
    ANONYMOUS = ("projects-anonymous-users", ":anon")

    def __init__(self, issuer_folder: str, audience_suffix: str) -> None:
        self._issuer_folder = issuer_folder
        self._audience_suffix = audience_suffix

    def issuer(self, base_url: str, project_id: str) -> str:
        """The claim `iss`; `base_url` is the API's address without /api/v1."""
        return f"{base_url}/api/v1/{self._issuer_folder}/{project_id}"

    def audience(self, project_id: str) -> str:
        """The claim `aud`."""
        return f"{project_id}{self._audience_suffix}"


def kind_of(*, is_anonymous: bool, is_restricted: bool) -> UserKind:
    """The kind of a user with these two properties; every anonymous user is restricted as well."""
    if is_anonymous:
        return UserKind.ANONYMOUS
    return UserKind.RESTRICTED if is_restricted else UserKind.NORMAL
