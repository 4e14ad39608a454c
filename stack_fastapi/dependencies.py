"""Step 5 of 5: the dependencies that routes name.

They read the one decision that the middleware began for the request, apply the route's policy
and hand out the user, or raise the answer. Each is an object that OpenAPI understands as a
security scheme, so that a protected operation says so.
"""

# No "from __future__ import annotations": FastAPI reads the annotations of these objects'
# __call__, and cannot resolve them where they are text.

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.openapi.models import SecurityBase as SchemeModel
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from stack_fastapi.authentication import Authentication
from stack_fastapi.exceptions import MissingMiddlewareError, StackAuthError
from stack_fastapi.http_errors import answer_for
from stack_fastapi.models import AccessTokenClaims, User
from stack_fastapi.policy import Policy
from stack_fastapi.stack_auth import decision_of
from stack_fastapi.starlette_auth import sign_in
from stack_fastapi.telemetry import logger


class Guard(SecurityBase):
    """A dependency of the kit; ``audit`` knows protected routes by it.

    Attributes:
        keeps_out: whether nobody passes without a valid credential.
    """

    scheme_name = "StackAccessToken"
    model: SchemeModel = APIKey.model_validate(
        {
            "in": APIKeyIn.header,
            "name": "X-Stack-Access-Token",
            "description": "The access token of a Stack Auth user",
        }
    )
    keeps_out = True


class _CurrentUserGuard(Guard):
    """The validated user whom the settings admit."""

    async def __call__(self, connection: HTTPConnection) -> User:
        """The user.

        Raises:
            StackHTTPException, StackWebSocketException: nobody, or somebody who may not enter.
        """
        decision = decision_of(connection)
        if decision is not None and decision.admitted is not None:
            if connection.scope.get("user") is not decision.admitted:  # the app asked itself
                sign_in(connection.scope, decision.admitted)
            return decision.admitted
        return await _admit(connection, decision)


class _RequiredUserGuard(Guard):
    """The validated user, under a route's own policy; None leaves a point to the settings."""

    def __init__(
        self,
        max_age: float | None,
        allow_anonymous: bool | None,  # noqa: FBT001 - named by require_user
        allow_restricted: bool | None,  # noqa: FBT001 - the same
        *,
        verified_email: bool,
    ) -> None:
        if max_age is not None and not max_age >= 0:
            raise ValueError(f"max_age is a number of seconds, 0 or more, not {max_age!r}")
        self._max_age = max_age
        self._allow_anonymous = allow_anonymous
        self._allow_restricted = allow_restricted
        self._verified_email = verified_email

    async def __call__(self, connection: HTTPConnection) -> User:
        """The user; raises like ``current_user``."""
        decision = decision_of(connection)
        policy = None if decision is None else self._policy(decision.policy)
        return await _admit(connection, decision, policy, self._max_age)

    def _policy(self, settings: Policy) -> Policy:
        """This route's policy on top of the settings'."""
        anonymous, restricted = self._allow_anonymous, self._allow_restricted
        return Policy(
            settings.allow_anonymous if anonymous is None else anonymous,
            settings.allow_restricted if restricted is None else restricted,
            self._verified_email,
        )


class _OptionalUserGuard(Guard):
    """The user, or None for a guest and for a type of user that the settings do not admit."""

    keeps_out = False

    async def __call__(self, connection: HTTPConnection) -> User | None:
        """The user or None.

        Raises:
            StackHTTPException, StackWebSocketException: a credential that is no good.
        """
        try:
            user = await self._admit(_present(decision_of(connection)))
        except StackAuthError as error:
            raise answer_for(error, connection) from error
        sign_in(connection.scope, user)
        return user

    async def _admit(self, decision: Authentication) -> User | None:
        if decision.is_signed_out or not decision.policy.admits_type(await decision.claims()):
            return None
        user = await decision.user()
        return user if decision.policy.admits_type(user) else None


class _ClaimsGuard(Guard):
    """The token's claims, checked locally.

    Nobody is asked about the user for it; an eager middleware may have done so already.
    """

    async def __call__(self, connection: HTTPConnection) -> AccessTokenClaims:
        """The claims.

        Raises:
            StackHTTPException, StackWebSocketException: no valid token, or a type of user that
                the settings do not admit.
        """
        try:
            decision = _present(decision_of(connection))
            claims = await decision.claims()
            decision.policy.check_claims(claims)
        except StackAuthError as error:
            raise answer_for(error, connection) from error
        return claims


async def _admit(
    connection: HTTPConnection,
    decision: Authentication | None,
    policy: Policy | None = None,
    max_age: float | None = None,
) -> User:
    try:
        user = await _present(decision).admit(policy, max_age)
    except StackAuthError as error:
        raise answer_for(error, connection) from error
    sign_in(connection.scope, user)  # the middleware waited, or admits less than this route
    return user


def _present(decision: Authentication | None) -> Authentication:
    if decision is None:
        missing = MissingMiddlewareError()
        logger.error("%s", missing.message)
        raise missing
    return decision


#: The user of the request, or 401.
current_user = _CurrentUserGuard()
#: The user of the request, or None.
optional_user = _OptionalUserGuard()
#: The claims of the request's access token, or 401.
current_claims = _ClaimsGuard()

CurrentUser = Annotated[User, Depends(current_user)]
OptionalUser = Annotated[User | None, Depends(optional_user)]
CurrentClaims = Annotated[AccessTokenClaims, Depends(current_claims)]


def require_user(
    *,
    max_age: float | None = None,
    allow_anonymous: bool | None = None,
    allow_restricted: bool | None = None,
    verified_email: bool = False,
) -> Callable[..., Awaitable[User]]:
    """A dependency like ``current_user`` with a policy of its own.

    Args:
        max_age: Stack must have been asked at most so many seconds before the request came in;
            0 asks now. Nothing stale is taken then, in an outage neither.
        allow_anonymous: admit anonymous users; None leaves it to the settings.
        allow_restricted: admit restricted users; None leaves it to the settings.
        verified_email: want a verified primary e-mail address.

    Raises:
        ValueError: ``max_age`` is negative or no number.
    """
    return _RequiredUserGuard(
        max_age, allow_anonymous, allow_restricted, verified_email=verified_email
    )
