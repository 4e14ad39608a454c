"""Step 5 of 5: the dependencies that admit API keys as well, or alone.

A key is read where one of them asks and nowhere else. It is no token: ``current_user`` and its
kin never take one, and ``request.user`` stays nobody for whoever sends a key alone.
"""

# No "from __future__ import annotations": see ``dependencies.users``.

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, overload

from fastapi import Depends
from fastapi.openapi.models import APIKey, SecurityBase as SchemeModel
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from stack_fastapi.dependencies.refusals import refusing
from stack_fastapi.dependencies.users import Guard, MustBeCalled, TokenGuard
from stack_fastapi.engine.authentication import Authentication
from stack_fastapi.engine.policy import PermissionRule
from stack_fastapi.engine.stack_auth import decision_of, present
from stack_fastapi.engine.starlette_user import sign_in
from stack_fastapi.exceptions import (
    AmbiguousCredentialsError,
    MissingApiKeyError,
    NotAuthenticatedError,
    ProjectPermissionRequiredError,
)
from stack_fastapi.models import (
    ApiKeyPrincipal,
    Principal,
    TeamApiKeyPrincipal,
    UserApiKeyPrincipal,
    UserPrincipal,
)
from stack_fastapi.types import ApiKeyType

#: How OpenAPI names and describes the header with the key.
API_KEY_SCHEME = "StackApiKey"
API_KEY_MODEL = {
    "type": "apiKey",
    "in": "header",
    "name": "X-API-Key",
    "description": "An API key of a Stack Auth user or team",
}


class _PrincipalGuard(TokenGuard):
    """A signed-in user or the owner of an API key, whom the settings admit."""

    takes_api_keys = True

    @refusing
    async def __call__(self, connection: HTTPConnection) -> Principal:
        """The principal.

        Whoever sends a token and a key must be the same user with both, and is a signed-in user
        then.

        Raises:
            StackHTTPException, StackWebSocketException: nobody, or somebody who may not enter.
        """
        decision = present(decision_of(connection))
        token = decision.beside_api_key(connection.scope)
        user = await _user_of(token)
        keyed = await decision.key_owner(decision.find_api_key(connection.scope))
        principal = user or keyed
        if principal is None:
            raise NotAuthenticatedError
        _check_owners(user, keyed)
        if isinstance(principal, UserPrincipal):
            sign_in(connection.scope, principal.user, token.cached_permissions)
        return principal


class _ApiKeyGuard(Guard, SecurityBase):
    """The owner of an API key, whom the settings admit; a token alone is not enough."""

    scheme_name = API_KEY_SCHEME
    model: SchemeModel = APIKey.model_validate(API_KEY_MODEL)
    takes_api_keys = True

    def __init__(self, kind: ApiKeyType | None, permission: str | None) -> None:
        if kind not in {None, "user", "team"}:
            raise ValueError(f"kind is 'user', 'team' or None, not {kind!r}")
        self._kind = kind
        self._rule = None if permission is None else PermissionRule.of([permission])
        if self._rule and kind == "team":
            raise ValueError("a team holds no permissions: its keys cannot have one")
        self.needs = f"{self._rule} in the project, held by the key's owner" if self._rule else ""

    @refusing
    async def __call__(self, connection: HTTPConnection) -> ApiKeyPrincipal:
        """The key's owner.

        Raises:
            StackHTTPException, StackWebSocketException: no key, or one that may not enter.
        """
        decision = present(decision_of(connection))
        user = await _user_of(decision.beside_api_key(connection.scope))
        key = decision.find_api_key(connection.scope)
        keyed = await decision.key_owner(key, self._kind)
        if keyed is None:
            raise MissingApiKeyError
        _check_owners(user, keyed)
        await self._check_permission(decision, keyed)
        return keyed

    async def _check_permission(self, decision: Authentication, keyed: ApiKeyPrincipal) -> None:
        if self._rule is None:
            return
        held: frozenset[str] = frozenset()
        if isinstance(keyed, UserApiKeyPrincipal):
            held = await decision.permissions(keyed.user)
        missing = self._rule.missing(held)
        if missing:
            raise ProjectPermissionRequiredError(missing)


async def _user_of(token: Authentication) -> UserPrincipal | None:
    """The signed-in user; None where no token was sent."""
    if token.is_signed_out:
        return None
    user = await token.admit()
    return UserPrincipal(user, await token.claims())


def _check_owners(user: UserPrincipal | None, keyed: ApiKeyPrincipal | None) -> None:
    """Refuse a token and a key that differ in owner: nobody can tell which one is meant."""
    if user is None or keyed is None:
        return
    if isinstance(keyed, UserApiKeyPrincipal) and keyed.user.id == user.user.id:
        return
    raise AmbiguousCredentialsError(
        "The request carries an access token and an API key that differ in owner; send one."
    )


#: The user who is signed in, or the owner of an API key, or 401.
current_principal = _PrincipalGuard()

CurrentPrincipal = Annotated[Principal, Depends(current_principal)]


@overload
def require_api_key(
    kind: Literal["user"], *, permission: str | None = None
) -> Callable[..., Awaitable[UserApiKeyPrincipal]]: ...
@overload
def require_api_key(kind: Literal["team"]) -> Callable[..., Awaitable[TeamApiKeyPrincipal]]: ...
@overload
def require_api_key(
    kind: None = None, *, permission: str | None = None
) -> Callable[..., Awaitable[ApiKeyPrincipal]]: ...
def require_api_key(
    kind: Annotated[ApiKeyType | None, MustBeCalled()] = None, *, permission: str | None = None
) -> Callable[..., Awaitable[ApiKeyPrincipal]]:
    """A dependency for programs: the owner of an API key, and no signed-in user without one.

    The key comes in ``X-API-Key`` or as ``Authorization: Bearer``. A garbage key never reaches
    Stack; what Stack says of another lives as long as a fetched user does, so that a revoked key
    ends within that time, or at once with ``StackAuth.evict_api_key``.

    Args:
        kind: the only type of owner that is wanted; None for both.
        permission: what the owner must hold in the whole project. Teams hold nothing there.

    Raises:
        ValueError: a wrong kind, or a permission that Stack cannot have.
    """
    return _ApiKeyGuard(kind, permission)
