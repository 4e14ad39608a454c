"""Starlette's own way to ask who is there: ``request.user``, ``request.auth`` and ``@requires``."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.authentication import AuthCredentials, UnauthenticatedUser

from stack_fastapi.models import User


def sign_in(scope: MutableMapping[str, Any], user: User | None) -> None:
    """Make ``request.user`` and ``request.auth`` say who is there; None is nobody."""
    scope["user"] = user or UnauthenticatedUser()
    scope["auth"] = AuthCredentials(["authenticated"] if user else [])
