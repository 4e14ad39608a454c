"""Starlette's own way to ask who is there: ``request.user``, ``request.auth`` and ``@requires``."""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping
from typing import Any

from starlette.authentication import AuthCredentials, UnauthenticatedUser

from stack_fastapi.models import User

#: Says which permissions a user is known to hold; None where nobody has asked lately.
KnownPermissions = Callable[[User], Collection[str] | None]

_AUTHENTICATED = "authenticated"


class Guest(UnauthenticatedUser):
    """``request.user`` of a guest, one for all of them: so nothing can be kept on it."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("request.user is the same object for all guests: use request.state")


class GuestCredentials(AuthCredentials):
    """``request.auth`` of a guest: nothing, in a list that nobody shares."""

    __slots__ = ()

    def __init__(self) -> None:
        """There is nothing to keep."""

    @property
    def scopes(self) -> list[str]:  # type: ignore[override]  # read when somebody looks
        """No scopes."""
        return []


#: ``request.user`` and ``request.auth`` of every guest; neither holds anything.
GUEST, GUEST_CREDENTIALS = Guest(), GuestCredentials()


class UserCredentials(AuthCredentials):
    """``request.auth`` of a user who is signed in.

    Its scopes are ``authenticated`` and the project permissions that are known at the moment of
    the look: Starlette's way cannot wait for Stack. What is not known is not there.
    """

    __slots__ = ("_known", "_user")

    def __init__(self, user: User, known: KnownPermissions) -> None:
        self._user = user
        self._known = known

    @property
    def scopes(self) -> list[str]:  # type: ignore[override]  # read when somebody looks
        """What the user may do, as far as it is known."""
        return [_AUTHENTICATED, *sorted(self._known(self._user) or ())]


def sign_in(
    scope: MutableMapping[str, Any], user: User | None, known: KnownPermissions | None = None
) -> None:
    """Make ``request.user`` and ``request.auth`` say who is there; None is nobody.

    Args:
        scope: of the request.
        user: who is there.
        known: knows what the user may do.
    """
    scope["user"] = user or UnauthenticatedUser()
    if user is not None and known is not None:
        scope["auth"] = UserCredentials(user, known)
    else:
        scope["auth"] = AuthCredentials([_AUTHENTICATED] if user else [])
