"""Step 5 of 5: the dependencies that routes name.

They read the one decision that the middleware began for the request, apply the route's policy
and hand out the user, or raise the answer. Each is an object that OpenAPI understands as a
security scheme, so that a protected operation says so.
"""

# No "from __future__ import annotations": FastAPI reads the annotations of these objects'
# __call__, and cannot resolve them where they are text.

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, NoReturn, TypedDict

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer, SecurityBase as SchemeModel
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from starlette.types import Scope

from stack_fastapi.dependencies.refusals import NOT_CACHED, NotCached, refusing
from stack_fastapi.engine.authentication import Authentication
from stack_fastapi.engine.cached_decision import CachedDecision
from stack_fastapi.engine.policy import Policy
from stack_fastapi.engine.stack_auth import SCOPE_KEY, decision_of, present
from stack_fastapi.engine.starlette_user import sign_in
from stack_fastapi.models import AccessTokenClaims, User

#: What OpenAPI says an access token is.
TOKEN_DESCRIPTION = "The access token of a Stack Auth user"  # noqa: S105 - no secret


class Guard:
    """A dependency of the kit; ``audit`` knows protected routes by it.

    Attributes:
        keeps_out: whether nobody passes without a valid credential.
        needs: what OpenAPI says it asks for, beyond a credential; empty for nothing.
        path_parameter: the route's parameter that it reads; None for none.
        team_header: whether it reads a header that names the team, where the path does not.
        hides: whether it may answer 404.
        takes_api_keys: whether an API key is a credential here.
        wanted_settings: those without which it lets nobody in.
    """

    keeps_out = True
    needs = ""
    path_parameter: str | None = None
    team_header = False
    hides = False
    takes_api_keys = False
    wanted_settings: tuple[str, ...] = ()

    def cached(self, scope: Scope) -> Any:  # noqa: ANN401, ARG002 - guards that can do so say what
        """What it hands out where one look is enough; see ``refusing``."""
        return NOT_CACHED


class TokenGuard(Guard, SecurityBase):
    """A dependency that takes an access token, which OpenAPI knows as a security scheme."""

    scheme_name = "StackAccessToken"
    model: SchemeModel = HTTPBearer(bearerFormat="JWT", description=TOKEN_DESCRIPTION)

    @classmethod
    def described(cls) -> dict[str, str]:
        """The scheme as FastAPI writes it down, which knows no settings."""
        scheme: dict[str, str] = cls.model.model_dump(mode="json", by_alias=True, exclude_none=True)
        return scheme


class _CurrentUserGuard(TokenGuard):
    """The validated user whom the settings admit."""

    def cached(self, scope: Scope) -> User | NotCached:
        """The user, if the middleware has decided about the token before."""
        return cached_user(scope) or NOT_CACHED

    @refusing
    async def __call__(self, connection: HTTPConnection) -> User:
        """The user.

        Raises:
            StackHTTPException, StackWebSocketException: nobody, or somebody who may not enter.
        """
        decision = decision_of(connection)
        if decision is not None and decision.admitted is not None:
            if connection.scope.get("user") is not decision.admitted:  # the app asked itself
                sign_in(connection.scope, decision.admitted, decision.cached_permissions)
            return decision.admitted
        _, user = await admit(connection)
        return user


def cached_user(scope: Scope) -> User | None:
    """The user whom a decision for many requests admits, and whom nobody replaced since."""
    decision = scope.get(SCOPE_KEY)
    if not isinstance(decision, CachedDecision) or scope.get("user") is not decision.admitted:
        return None
    return decision.admitted


class MustBeCalled:
    """Marks a parameter of a function that makes dependencies and is none itself.

    ``Depends(require_user)`` without the parentheses would call it for each request, with what the
    query says, and check nothing. FastAPI asks pydantic about each parameter of a dependency, so
    the app does not even come to have such a route.
    """

    def __get_pydantic_core_schema__(self, *_: object) -> NoReturn:
        """Refuse to be a parameter of a request.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            "Depends(require_…) makes a dependency only when it is called, and would check nothing "
            "like this: add the parentheses, as in Depends(require_user())"
        )


class UserRules(TypedDict, total=False):
    """A route's own policy, which every guard of users takes; see ``require_user``."""

    max_age: float | None
    allow_anonymous: bool | None
    allow_restricted: bool | None
    verified_email: bool
    live_session: bool
    mfa: bool


class RuledGuard(TokenGuard):
    """What guards with a policy of their own have in common."""

    def __init__(self, rules: UserRules) -> None:
        unknown = rules.keys() - UserRules.__annotations__.keys()
        if unknown:  # a rule that is mistyped must not be one that is left out
            raise TypeError(f"there is no such rule: {', '.join(sorted(unknown))}")
        self.max_age = rules.get("max_age")
        if self.max_age is not None and not self.max_age >= 0:
            raise ValueError(f"max_age is a number of seconds, 0 or more, not {self.max_age!r}")
        self._rules = rules
        # False says something where the settings may say True, and nothing where they cannot.
        opinions = (self.max_age, rules.get("allow_anonymous"), rules.get("allow_restricted"))
        wishes = (rules.get(name) for name in ("verified_email", "live_session", "mfa"))
        self.is_plain = opinions == (None, None, None) and not any(wishes)

    async def enter(self, connection: HTTPConnection) -> tuple[Authentication, User]:
        """The request's decision, and the user whom it admits under this policy.

        Raises:
            StackAuthError: nobody, or somebody who may not enter.
        """
        if self.is_plain:
            return await admit(connection)
        decision = present(decision_of(connection))
        return await admit(connection, self._policy(decision.policy), self.max_age)

    def _policy(self, settings: Policy) -> Policy:
        """This route's policy on top of the settings'."""
        rules = self._rules
        types = settings.with_types(rules.get("allow_anonymous"), rules.get("allow_restricted"))
        return replace(
            types,
            verified_email=rules.get("verified_email", False),
            mfa=rules.get("mfa", False),
            live_session=rules.get("live_session", False),
        )


class _RequiredUserGuard(RuledGuard):
    """The validated user, under a route's own policy; None leaves a point to the settings."""

    def cached(self, scope: Scope) -> User | NotCached:
        """The user, as ``current_user`` finds them, where the policy is the settings'."""
        return (cached_user(scope) if self.is_plain else None) or NOT_CACHED

    @refusing
    async def __call__(self, connection: HTTPConnection) -> User:
        """The user; raises like ``current_user``."""
        _, user = await self.enter(connection)
        return user


class _OptionalUserGuard(TokenGuard):
    """The user, or None for a guest and for a type of user that the settings do not admit."""

    keeps_out = False

    def cached(self, scope: Scope) -> User | NotCached | None:
        """The user, or None for a guest, if the middleware decided at one look."""
        decision = scope.get(SCOPE_KEY)
        if isinstance(decision, CachedDecision) and decision.admitted is None:
            return None
        return cached_user(scope) or NOT_CACHED

    @refusing
    async def __call__(self, connection: HTTPConnection) -> User | None:
        """The user or None.

        Raises:
            StackHTTPException, StackWebSocketException: a credential that is no good.
        """
        decision = present(decision_of(connection))
        user = await decision.admit_optional()
        sign_in(connection.scope, user, decision.cached_permissions)
        return user


class _ClaimsGuard(TokenGuard):
    """The token's claims, checked locally.

    Nobody is asked about the user for it; an eager middleware may have done so already.
    """

    def cached(self, scope: Scope) -> AccessTokenClaims | NotCached:
        """The claims, if the middleware has decided about the token before."""
        decision = scope.get(SCOPE_KEY)
        known = decision.claims if isinstance(decision, CachedDecision) else None
        return known or NOT_CACHED

    @refusing
    async def __call__(self, connection: HTTPConnection) -> AccessTokenClaims:
        """The claims.

        Raises:
            StackHTTPException, StackWebSocketException: no valid token, or a type of user that
                the settings do not admit.
        """
        decision = present(decision_of(connection))
        claims = await decision.claims()
        decision.policy.check_claims(claims)
        return claims


async def admit(
    connection: HTTPConnection, policy: Policy | None = None, max_age: float | None = None
) -> tuple[Authentication, User]:
    """The request's decision and the user whom a policy admits; None is the settings'.

    Raises:
        StackAuthError: nobody, or somebody who may not enter.
    """
    decision = present(decision_of(connection))
    known = None if policy or max_age is not None else decision.admitted
    user = known or await decision.admit(policy, max_age)
    if connection.scope.get("user") is not user:
        # The middleware waited, or admits less than this route.
        sign_in(connection.scope, user, decision.cached_permissions)
    return decision, user


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
    max_age: Annotated[float | None, MustBeCalled()] = None,
    allow_anonymous: bool | None = None,
    allow_restricted: bool | None = None,
    verified_email: bool = False,
    live_session: bool = False,
    mfa: bool = False,
) -> Callable[..., Awaitable[User]]:
    """A dependency like ``current_user`` with a policy of its own.

    Args:
        max_age: Stack must have been asked at most so many seconds before the request came in;
            0 asks now. Nothing stale is taken then, in an outage neither.
        allow_anonymous: admit anonymous users; None leaves it to the settings.
        allow_restricted: admit restricted users; None leaves it to the settings.
        verified_email: want a verified primary e-mail address.
        live_session: want proof, at most three seconds old, that the token's session was not
            signed out or revoked. Without proof nobody gets in: in an outage (503), with a token
            that names no session, and with one of an impersonation (401), which Stack lists to
            administrators only.
        mfa: want a second factor. It proves that the user has set up an authenticator app
            (``requires_totp_mfa``), now and when the token was issued, so that signing in asks
            for its code. It does not prove that this very session was begun with one: sessions
            from before the set-up, and those that a server made, were not.

    Raises:
        ValueError: ``max_age`` is negative or no number.
    """
    return _RequiredUserGuard(
        {
            "max_age": max_age,
            "allow_anonymous": allow_anonymous,
            "allow_restricted": allow_restricted,
            "verified_email": verified_email,
            "live_session": live_session,
            "mfa": mfa,
        }
    )
