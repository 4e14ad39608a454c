"""Every public name as a user writes it. Type checkers read this; nobody runs it.

``assert_type`` pins what they infer.
"""

# pyright: strict, reportUnusedFunction=false
# No "from __future__ import annotations": a user's app with local names cannot have it either.

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, assert_never, assert_type

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from stack_fastapi import (
    AccessTokenClaims,
    AmbiguousCredentialsError,
    AnonymousUserNotAllowedError,
    ApiKey,
    ApiKeyExpiredError,
    ApiKeyPrincipal,
    ApiKeyRevokedError,
    ApiUserNotFoundError,
    ConfigurationError,
    CredentialsError,
    CurrentClaims,
    CurrentPrincipal,
    CurrentTeam,
    CurrentUser,
    EmailNotVerifiedError,
    InternalError,
    InvalidApiKeyError,
    InvalidTokenError,
    MissingApiKeyError,
    MissingMiddlewareError,
    NotAuthenticatedError,
    OptionalUser,
    PermissionRequiredError,
    PolicyError,
    Principal,
    ProjectPermissionRequiredError,
    RestrictedReason,
    RestrictedUserNotAllowedError,
    SecondFactorRequiredError,
    SessionNotFoundError,
    StackApiError,
    StackAuth,
    StackAuthError,
    StackAuthMiddleware,
    StackAuthSettings,
    StackConfigurationError,
    StackHTTPException,
    StackServerClient,
    StackUnavailableError,
    StackWebSocketException,
    Team,
    TeamApiKeyPrincipal,
    TeamHiddenError,
    TeamMembershipRequiredError,
    TeamPermissionRequiredError,
    TeamRequiredError,
    TokenExpiredError,
    UnavailableError,
    User,
    UserApiKeyPrincipal,
    UserNotFoundError,
    UserPrincipal,
    UserRules,
    WrongApiKeyTypeError,
    WrongProjectError,
    current_claims,
    current_principal,
    current_team,
    current_user,
    document_authentication,
    optional_user,
    require_api_key,
    require_permission,
    require_team_member,
    require_team_permission,
    require_user,
)

# ---------------------------------------------------------------- an app

settings = StackAuthSettings(project_id="p", secret_server_key=SecretStr("ssk_x"), leeway=1)
auth = StackAuth(settings, clock=lambda: 0.0)
app = FastAPI()
app.add_middleware(StackAuthMiddleware, auth=auth, eager=False)
document_authentication(app)

# ---------------------------------------------------------------- dependencies, made

UserDependency = Callable[..., Awaitable[User]]
TeamDependency = Callable[..., Awaitable[Team]]

assert_type(require_user(), UserDependency)
assert_type(
    require_user(
        max_age=0,
        allow_anonymous=True,
        allow_restricted=None,
        verified_email=True,
        live_session=True,
        mfa=True,
    ),
    UserDependency,
)
assert_type(require_permission("read", "write", any_of=True, mfa=True), UserDependency)
assert_type(require_team_permission("bill", team="club", reveal=False, max_age=5.5), UserDependency)
assert_type(require_team_member("club", reveal=False, verified_email=True), TeamDependency)
assert_type(require_api_key(), Callable[..., Awaitable[ApiKeyPrincipal]])
assert_type(require_api_key(permission="read"), Callable[..., Awaitable[ApiKeyPrincipal]])
assert_type(
    require_api_key("user", permission="read"), Callable[..., Awaitable[UserApiKeyPrincipal]]
)
assert_type(require_api_key("team"), Callable[..., Awaitable[TeamApiKeyPrincipal]])

careful: UserRules = {"max_age": 0, "live_session": True, "mfa": True}
assert_type(require_permission("read", **careful), UserDependency)

# ---------------------------------------------------------------- dependencies, used


@app.get("/alias")
async def by_alias(
    user: CurrentUser, claims: CurrentClaims, guest: OptionalUser, team: CurrentTeam
) -> None:
    assert_type(user, User)
    assert_type(claims, AccessTokenClaims)
    assert_type(guest, User | None)
    assert_type(team, Team)


@app.get("/depends")
async def by_depends(
    user: Annotated[User, Depends(current_user)],
    guest: Annotated[User | None, Depends(optional_user)],
    claims: Annotated[AccessTokenClaims, Depends(current_claims)],
    team: Annotated[Team, Depends(current_team)],
    principal: Annotated[Principal, Depends(current_principal)],
) -> None:
    assert_type(user.id, str)
    assert_type(principal, UserPrincipal | UserApiKeyPrincipal | TeamApiKeyPrincipal)


@app.get("/principal")
async def principal_route(principal: CurrentPrincipal) -> str:
    assert_type(principal, UserPrincipal | UserApiKeyPrincipal | TeamApiKeyPrincipal)
    if isinstance(principal, UserPrincipal):
        assert_type(principal.claims, AccessTokenClaims)
        return principal.user.id
    assert_type(principal, UserApiKeyPrincipal | TeamApiKeyPrincipal)
    assert_type(principal.key, ApiKey)
    return owner(principal)


def owner(principal: ApiKeyPrincipal) -> str:
    match principal:
        case UserApiKeyPrincipal():
            assert_type(principal.user, User)
            return principal.user.id
        case TeamApiKeyPrincipal():
            assert_type(principal.team, Team)
            return principal.team.id
        case _:
            assert_never(principal)


async def calls() -> None:
    """The guards are callables themselves."""
    connection = Request({"type": "http"})
    assert_type(await current_user(connection), User)
    assert_type(await optional_user(connection), User | None)
    assert_type(await current_claims(connection), AccessTokenClaims)
    assert_type(await current_team(connection), Team)
    assert_type(
        await current_principal(connection),
        UserPrincipal | UserApiKeyPrincipal | TeamApiKeyPrincipal,
    )


# ---------------------------------------------------------------- records


def records(user: User, team: Team, claims: AccessTokenClaims, key: ApiKey) -> None:
    assert_type(user.primary_email, str | None)
    assert_type(user.requires_totp_mfa, bool | None)
    assert_type(user.restricted_reason, RestrictedReason | None)
    assert_type(user.selected_team, Team | None)
    assert_type(user.user_type, Literal["normal", "restricted", "anonymous"])
    assert_type(team.display_name, str)
    assert_type(claims.refresh_token_id, str | None)
    assert_type(key.type, Literal["user", "team"])
    assert_type(key.expires_at_millis, int | None)


# ---------------------------------------------------------------- the engine


async def engine(request: Request) -> None:
    async with StackAuth() as opened:
        assert_type(opened, StackAuth)
        assert_type(opened.client, StackServerClient)
        assert_type(await opened.authenticate(request), User | None)
        assert_type(await opened.verify("token"), AccessTokenClaims)
        assert_type(await opened.client.users.get("id"), User)
        assert_type(await opened.client.teams.list(user_id="id"), list[Team])
        assert_type(await opened.client.user_api_keys.check(SecretStr("sk_")), ApiKey)
        await opened.evict("user id")
        await opened.evict_team("team id")
        await opened.evict_api_key("key id")


# ---------------------------------------------------------------- errors


@app.exception_handler(StackHTTPException)
async def as_problem(request: Request, exc: StackHTTPException) -> JSONResponse:
    assert_type(exc.error, StackAuthError)
    return JSONResponse({"code": exc.error.code}, exc.status_code)


def explain(error: StackAuthError | StackWebSocketException) -> str:
    match error:
        case StackWebSocketException():
            assert_type(error.error, StackAuthError)
            return error.reason
        case PermissionRequiredError():
            assert_type(error.missing, tuple[str, ...])
            assert_type(error.any_of, bool)
            return " ".join(error.missing)
        case UnavailableError():
            assert_type(error.retry_after, float)
            return f"{error.retry_after:g}"
        case StackApiError():
            assert_type(error.status, int)
            assert_type(error.stack_code, str | None)
            return str(error.status)
        case InvalidTokenError():
            return error.reason
        case _:
            assert_type(error.code, str)
            return error.code


CREDENTIALS: tuple[type[CredentialsError], ...] = (
    AmbiguousCredentialsError,
    ApiKeyExpiredError,
    ApiKeyRevokedError,
    InvalidApiKeyError,
    InvalidTokenError,
    MissingApiKeyError,
    NotAuthenticatedError,
    SessionNotFoundError,
    TokenExpiredError,
    UserNotFoundError,
    WrongApiKeyTypeError,
    WrongProjectError,
)
POLICY: tuple[type[PolicyError], ...] = (
    AnonymousUserNotAllowedError,
    EmailNotVerifiedError,
    ProjectPermissionRequiredError,
    RestrictedUserNotAllowedError,
    SecondFactorRequiredError,
    TeamHiddenError,
    TeamMembershipRequiredError,
    TeamPermissionRequiredError,
    TeamRequiredError,
)
UNAVAILABLE: tuple[type[UnavailableError], ...] = (
    ConfigurationError,
    InternalError,
    MissingMiddlewareError,
    StackConfigurationError,
    StackUnavailableError,
)
API: tuple[type[StackApiError], ...] = (ApiUserNotFoundError,)
