"""A user without a token: for tests of what a route does, not of who may call it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from stack_fastapi.engine.authentication import Authentication
from stack_fastapi.engine.policy import Policy
from stack_fastapi.engine.stack_auth import SCOPE_KEY, decision_in
from stack_fastapi.engine.starlette_user import sign_in
from stack_fastapi.exceptions import (
    CredentialsError,
    MissingMiddlewareError,
    NotAuthenticatedError,
    WrongApiKeyTypeError,
)
from stack_fastapi.models import (
    AccessTokenClaims,
    ApiKeyPrincipal,
    Team,
    User,
    UserApiKeyPrincipal,
    WebhookEvent,
)
from stack_fastapi.types import ApiKeyType

#: What handles a connection behind all middlewares.
Handler = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

_LIFETIME = 600
_NOTHING: Mapping[str | None, frozenset[str]] = {None: frozenset()}


@contextmanager
def override_user(
    app: FastAPI,
    user: User | None,
    *,
    permissions: Iterable[str] = (),
    team_permissions: Mapping[str, Iterable[str]] = MappingProxyType({}),
    api_key: ApiKeyPrincipal | None = None,
) -> Iterator[None]:
    """Let every request of an app come from a user, whatever it carries, until the block ends.

    The decision of the request is replaced, and not a dependency: so it works for every way to
    ask for the user, ``require_user(...)`` and ``request.user`` among them, and their policies
    still hold. An anonymous user is refused where anonymous users are.

    Nobody is asked, so it works without settings and middleware. Mounted apps are meant as well,
    unless they have a middleware of their own.

    Args:
        app: the app; requests under way are not changed.
        user: ``fake_user(...)``, for instance; None for a guest.
        permissions: what the user holds in the whole project.
        team_permissions: by the id of each team that the user is in, what they hold there.
        api_key: whose API key the requests carry as well, such as ``fake_api_key(user)``; None
            for no key. With ``None`` for the user they carry the key alone.

    Raises:
        TypeError: no user, no API key, or one text in the place of a list of permissions.
        ValueError: no team's id, or permissions that nobody would hold.
    """
    _check_caller(user, api_key)
    _check_permissions(permissions, team_permissions)
    held: dict[str | None, frozenset[str]] = {None: frozenset(permissions)}
    held |= {team_id: frozenset(ids) for team_id, ids in team_permissions.items()}
    if user is None and held != _NOTHING and not isinstance(api_key, UserApiKeyPrincipal):
        raise ValueError("a guest holds no permissions: pass fake_user() for the user")
    router = app.router
    before = router.middleware_stack
    router.middleware_stack = _as_user(before, _Given(user, held, api_key))  # type: ignore[assignment]  # by position
    try:
        yield
    finally:
        router.middleware_stack = before


def _check_caller(user: object, api_key: object) -> None:
    """Make sure that they are what routes get; what they are instead may be a token: not quoted."""
    if user is not None and not isinstance(user, User):
        raise TypeError(
            "the user is fake_user(...), the .user of somebody who signed in, or None for a guest, "
            f"not of type {type(user).__name__}"
        )
    if api_key is not None and not isinstance(api_key, ApiKeyPrincipal):
        raise TypeError(f"api_key is fake_api_key(owner), not of type {type(api_key).__name__}")


def _check_permissions(
    permissions: Iterable[str], team_permissions: Mapping[str, Iterable[str]]
) -> None:
    for given in (permissions, *team_permissions.values()):
        if isinstance(given, str):  # which is an iterable of letters
            raise TypeError(f"permissions are a list of ids, such as [{given!r}]")
    for team_id in team_permissions:
        if not _is_id(team_id):
            raise ValueError(
                f"team_permissions are by a team's id, and {team_id!r} is none: pass a UUID in "
                "lower case, such as str(uuid4()), and call the route with the same"
            )


def _is_id(value: object) -> bool:
    """Whether it is an id in the one spelling that guards of teams take."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


class _Given(NamedTuple):
    """What a test says of whoever calls; permissions under None are the project's."""

    user: User | None
    held: Mapping[str | None, frozenset[str]]
    api_key: ApiKeyPrincipal | None


def _as_user(app: Handler, given: _Given) -> Handler:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        is_over = isinstance(scope.get(SCOPE_KEY), _GivenAuthentication)  # by one within this one
        if scope["type"] in {"http", "websocket"} and not is_over:
            decided = decision_in(scope)
            policy = Policy() if decided is None else decided.policy
            decision = scope[SCOPE_KEY] = _GivenAuthentication(given, policy, decided)
            sign_in(scope, decision.admitted, decision.cached_permissions)
        await app(scope, receive, send)

    return call


class _GivenAuthentication(Authentication):
    """A decision that was made beforehand."""

    def __init__(self, given: _Given, policy: Policy, replaced: Authentication | None) -> None:
        self.policy = policy
        self._replaced = replaced
        self._given, self._held, self._api_key = given
        user = self._given
        self.admitted = user if user is not None and policy.admits_type(user) else None

    @property
    def owner(self) -> object:
        """The engine that is really there: nothing but the caller is made up."""
        return None if self._replaced is None else self._replaced.owner

    @property
    def is_signed_out(self) -> bool:
        """Whether it is a guest."""
        return self._given is None

    async def claims(self) -> AccessTokenClaims:
        """What a token of the user would say; raises for a guest."""
        return _claims(self._present())

    async def user(self, max_age: float | None = None) -> User:  # noqa: ARG002 - never too old
        """The user; raises for a guest."""
        return self._present()

    async def check_session(self, claims: AccessTokenClaims, max_age: float | None) -> None:
        """There is no session that could have ended."""

    def cached_permissions(self, user: User, team_id: str | None = None) -> frozenset[str]:  # noqa: ARG002 - of the one user
        """What was given."""
        return self._held.get(team_id, frozenset())

    async def permissions(
        self,
        user: User,
        team_id: str | None = None,
        max_age: float | None = None,  # noqa: ARG002 - never too old
    ) -> frozenset[str]:
        """What was given."""
        return self.cached_permissions(user, team_id)

    async def teams(self, user: User, max_age: float | None = None) -> Mapping[str, Team]:  # noqa: ARG002 - as above
        """The teams of which something was given."""
        return {id_: Team(id=id_, display_name="Team") for id_ in self._held if id_}

    def find_api_key(self, scope: Mapping[str, Any]) -> SecretStr | None:  # noqa: ARG002 - whatever it carries
        """Something that stands for the key that was given."""
        return None if self._api_key is None else SecretStr("overridden")

    async def key_owner(
        self,
        key: SecretStr | CredentialsError | None,
        kind: ApiKeyType | None = None,
    ) -> ApiKeyPrincipal | None:
        """Whose key was given; raises for one of the other type, and by the settings' policy."""
        owner = None if key is None else self._api_key
        if owner is not None and kind not in {None, owner.key.type}:
            raise WrongApiKeyTypeError
        if isinstance(owner, UserApiKeyPrincipal):
            self.policy.check_owner(owner.user)
        return owner

    async def receive_webhook(
        self, headers: Mapping[str, str], read_body: Callable[[], Awaitable[bytes]]
    ) -> WebhookEvent:
        """What was really sent: a webhook comes from Stack, and from no user."""
        if self._replaced is None:
            raise MissingMiddlewareError
        return await self._replaced.receive_webhook(headers, read_body)

    def beside_api_key(self, scope: Mapping[str, Any]) -> Authentication:  # noqa: ARG002 - as above
        """This one."""
        return self

    def _present(self) -> User:
        if self._given is None:
            raise NotAuthenticatedError
        return self._given


def _claims(user: User) -> AccessTokenClaims:
    now = int(time.time())
    return AccessTokenClaims(
        sub=user.id,
        iss="http://stack.localhost/api/v1/projects/overridden",
        aud="overridden",
        iat=now,
        exp=now + _LIFETIME,
        project_id="overridden",
        branch_id="main",
        role="authenticated",
        name=user.display_name,
        email=user.primary_email,
        email_verified=user.primary_email_verified,
        selected_team_id=user.selected_team_id,
        signed_up_at=user.signed_up_at_millis // 1000,
        is_anonymous=user.is_anonymous,
        is_restricted=user.is_restricted,
        restricted_reason=user.restricted_reason,
        requires_totp_mfa=user.requires_totp_mfa,
    )
