"""Every public name as a user writes it. Type checkers read this; nobody runs it.

``assert_type`` pins what they infer.
"""

# pyright: strict, reportUnusedFunction=false
# No "from __future__ import annotations": a user's app with local names cannot have it either.

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Literal, assert_never, assert_type

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from stack_fastapi import (
    AccessTokenClaims,
    AmbiguousCredentialsError,
    AnonymousUserNotAllowedError,
    ApiAccessTokenExpiredError,
    ApiAccessTokenInvalidError,
    ApiAccessTokenProjectError,
    ApiApiKeyExpiredError,
    ApiApiKeyNotFoundError,
    ApiApiKeyRevokedError,
    ApiApiKeyTypeError,
    ApiCallbackUrlError,
    ApiContactChannelInUseError,
    ApiCurrentSessionError,
    ApiEmailAlreadyVerifiedError,
    ApiKey,
    ApiKeyExpiredError,
    ApiKeyPrincipal,
    ApiKeyRevokedError,
    ApiKeyValue,
    ApiOwnUserNotFoundError,
    ApiPermissionNotFoundError,
    ApiPermissionScopeError,
    ApiRefreshTokenNotFoundError,
    ApiSchemaError,
    ApiTeamMembershipExistsError,
    ApiTeamMembershipNotFoundError,
    ApiTeamNotFoundError,
    ApiTeamPermissionNotFoundError,
    ApiUserEmailExistsError,
    ApiUserIdNotFoundError,
    ApiUserNotFoundError,
    ApiVerificationCodeExpiredError,
    ApiVerificationCodeNotFoundError,
    ApiVerificationCodeUsedError,
    Change,
    ConfigurationError,
    ContactChannel,
    CreatedApiKey,
    CredentialsError,
    CurrentClaims,
    CurrentPrincipal,
    CurrentTeam,
    CurrentUser,
    CurrentWebhook,
    DeletedUser,
    EmailNotVerifiedError,
    InternalError,
    InvalidApiKeyError,
    InvalidTokenError,
    InvalidWebhookError,
    MissingApiKeyError,
    MissingMiddlewareError,
    NotAuthenticatedError,
    OptionalUser,
    PermissionRequiredError,
    PolicyError,
    Principal,
    Project,
    ProjectConfig,
    ProjectPermission,
    ProjectPermissionCreatedEvent,
    ProjectPermissionDeletedEvent,
    ProjectPermissionRequiredError,
    ResponseTooLargeError,
    RestrictedReason,
    RestrictedUserNotAllowedError,
    SecondFactorRequiredError,
    SentTeamInvitation,
    Session,
    SessionNotFoundError,
    SessionTokens,
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
    TeamCreatedEvent,
    TeamDeletedEvent,
    TeamHiddenError,
    TeamInvitation,
    TeamMemberProfile,
    TeamMembership,
    TeamMembershipCreatedEvent,
    TeamMembershipDeletedEvent,
    TeamMembershipRequiredError,
    TeamPermission,
    TeamPermissionCreatedEvent,
    TeamPermissionDeletedEvent,
    TeamPermissionRequiredError,
    TeamReference,
    TeamRequiredError,
    TeamUpdatedEvent,
    TokenExpiredError,
    UnavailableError,
    UnknownEvent,
    User,
    UserApiKeyPrincipal,
    UserCreatedEvent,
    UserDeletedEvent,
    UserNotFoundError,
    UserPrincipal,
    UserRules,
    UserUpdatedEvent,
    WebhookEvent,
    WrongApiKeyTypeError,
    WrongProjectError,
    current_claims,
    current_principal,
    current_team,
    current_user,
    current_webhook,
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


def more_records(
    created: CreatedApiKey,
    channel: ContactChannel,
    project: Project,
    session: Session,
    invitation: TeamInvitation,
    profile: TeamMemberProfile,
) -> None:
    assert_type(created.value, SecretStr)
    assert_type(channel.is_verified, bool)
    assert_type(project.config, ProjectConfig)
    assert_type(session.created_at, datetime)
    assert_type(session.last_used_at, datetime | None)
    assert_type(invitation.expires_at, datetime)
    assert_type(profile.user, User | None)


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


async def client(client: StackServerClient) -> None:
    user = await client.users.create(primary_email="a@example.com", password="secret")
    assert_type(user, User)
    async for listed in client.users.list(limit=10):
        assert_type(listed, User)
    assert_type(await client.teams.create("Acme", creator_user_id=user.id), Team)
    assert_type(await client.memberships.add("team id", user.id), TeamMembership)
    assert_type(await client.team_permissions.list(user_id=user.id), list[TeamPermission])
    assert_type(await client.project_permissions.grant(user.id, "read"), ProjectPermission)
    assert_type(await client.sessions.create(user.id), SessionTokens)
    assert_type(await client.user_api_keys.create(user.id, description="CI"), CreatedApiKey)
    assert_type((await client.user_api_keys.get("key id")).value, ApiKeyValue)
    sent = await client.team_invitations.send("team id", "a@example.com", callback_url="https://x")
    assert_type(sent, SentTeamInvitation)
    assert_type(await client.request("GET", "/emails"), object)


# ---------------------------------------------------------------- errors


@app.exception_handler(StackHTTPException)
async def as_problem(request: Request, exc: StackHTTPException) -> JSONResponse:
    assert_type(exc.error, StackAuthError)
    return JSONResponse({"code": exc.error.code}, exc.status_code)


def told(change: Change) -> str | None:
    assert_type(change.user_id, str | None)
    assert_type(change.team_id, str | None)
    return change.id


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


def what_happened(event: WebhookEvent) -> str:  # noqa: PLR0911 - one for each shape
    """Every event is told from the others by its class, or by its type."""
    match event:
        case UserCreatedEvent(data=user) | UserUpdatedEvent(data=user):
            assert_type(user, User)
            return user.id
        case UserDeletedEvent(data=gone):
            assert_type(gone, DeletedUser)
            assert_type(gone.teams, tuple[TeamReference, ...])
            return gone.id
        case TeamCreatedEvent(data=team) | TeamUpdatedEvent(data=team):
            assert_type(team, Team)
            return team.id
        case TeamDeletedEvent(data=named):
            assert_type(named, TeamReference)
            return named.id
        case TeamMembershipCreatedEvent() | TeamMembershipDeletedEvent():
            assert_type(event.data, TeamMembership)
            return event.data.team_id
        case TeamPermissionCreatedEvent() | TeamPermissionDeletedEvent():
            assert_type(event.data, TeamPermission)
            return event.data.id
        case ProjectPermissionCreatedEvent() | ProjectPermissionDeletedEvent():
            assert_type(event.data, ProjectPermission)
            return event.data.id
        case UnknownEvent():
            assert_type(event.type, str)
            return event.id


def why_not(error: InvalidWebhookError) -> str:
    return error.reason


async def webhook_route(event: CurrentWebhook) -> str:
    assert_type(event, WebhookEvent)
    return what_happened(event)


async def webhook_elsewhere(auth: StackAuth, headers: dict[str, str], body: bytes) -> WebhookEvent:
    assert_type(current_webhook.keeps_out, bool)
    return await auth.receive_webhook(headers, body)


CREDENTIALS: tuple[type[CredentialsError], ...] = (
    AmbiguousCredentialsError,
    ApiKeyExpiredError,
    ApiKeyRevokedError,
    InvalidApiKeyError,
    InvalidTokenError,
    InvalidWebhookError,
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
    ResponseTooLargeError,
    StackUnavailableError,
)
API: tuple[type[StackApiError], ...] = (
    ApiAccessTokenExpiredError,
    ApiAccessTokenInvalidError,
    ApiAccessTokenProjectError,
    ApiApiKeyExpiredError,
    ApiApiKeyNotFoundError,
    ApiApiKeyRevokedError,
    ApiApiKeyTypeError,
    ApiCallbackUrlError,
    ApiContactChannelInUseError,
    ApiCurrentSessionError,
    ApiEmailAlreadyVerifiedError,
    ApiOwnUserNotFoundError,
    ApiPermissionNotFoundError,
    ApiPermissionScopeError,
    ApiRefreshTokenNotFoundError,
    ApiSchemaError,
    ApiTeamMembershipExistsError,
    ApiTeamMembershipNotFoundError,
    ApiTeamNotFoundError,
    ApiTeamPermissionNotFoundError,
    ApiUserEmailExistsError,
    ApiUserIdNotFoundError,
    ApiUserNotFoundError,
    ApiVerificationCodeNotFoundError,
    ApiVerificationCodeExpiredError,
    ApiVerificationCodeUsedError,
)
