"""What users import: the names, their docstrings, and that the base install is enough."""

from __future__ import annotations

import base64
import inspect
import json
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import stack_fastapi
from stack_fastapi import testing

RECORDINGS = Path(__file__).parent / "recordings"

#: A name is added here on purpose; one that goes needs a line in the changelog.
PUBLIC = """
    AccessTokenClaims AmbiguousCredentialsError AnonymousUserNotAllowedError
    ApiAccessTokenExpiredError ApiAccessTokenInvalidError ApiAccessTokenProjectError
    ApiApiKeyExpiredError ApiApiKeyNotFoundError ApiApiKeyRevokedError ApiApiKeyTypeError
    ApiCallbackUrlError ApiContactChannelInUseError ApiCurrentSessionError
    ApiEmailAlreadyVerifiedError ApiKey ApiKeyExpiredError ApiKeyPrincipal ApiKeyRevokedError
    ApiKeyValue ApiOwnUserNotFoundError ApiPermissionNotFoundError ApiPermissionScopeError
    ApiRefreshTokenNotFoundError ApiSchemaError ApiTeamMembershipExistsError
    ApiTeamMembershipNotFoundError ApiTeamNotFoundError ApiTeamPermissionNotFoundError
    ApiUserEmailExistsError ApiUserIdNotFoundError ApiUserNotFoundError
    ApiVerificationCodeExpiredError ApiVerificationCodeNotFoundError ApiVerificationCodeUsedError
    Change ConfigurationError ContactChannel CreatedApiKey CredentialsError CurrentAuth
    CurrentClaims CurrentClient CurrentPrincipal CurrentTeam CurrentUser CurrentWebhook DeletedUser
    EmailNotVerifiedError InternalError InvalidApiKeyError InvalidTokenError InvalidWebhookError
    MissingApiKeyError MissingMiddlewareError NotAuthenticatedError OptionalUser OwnUser
    PermissionRequiredError PolicyError Principal Project ProjectConfig ProjectPermission
    ProjectPermissionCreatedEvent ProjectPermissionDeletedEvent ProjectPermissionRequiredError
    PublicUser ResponseTooLargeError RestrictedReason RestrictedUserNotAllowedError
    SecondFactorRequiredError SentTeamInvitation Session SessionNotFoundError SessionTokens
    StackApiError StackAuth StackAuthError StackAuthMiddleware StackAuthSettings
    StackConfigurationError StackHTTPException StackServerClient StackUnavailableError
    StackWebSocketException Team TeamApiKeyPrincipal TeamCreatedEvent TeamDeletedEvent
    TeamHiddenError TeamInvitation TeamMemberProfile TeamMembership TeamMembershipCreatedEvent
    TeamMembershipDeletedEvent TeamMembershipRequiredError TeamPermission TeamPermissionCreatedEvent
    TeamPermissionDeletedEvent TeamPermissionRequiredError TeamReference TeamRequiredError
    TeamUpdatedEvent TokenExpiredError UnavailableError UnknownEvent User UserApiKeyPrincipal
    UserCreatedEvent UserDeletedEvent UserNotFoundError UserPrincipal UserRules UserUpdatedEvent
    WebhookEvent WrongApiKeyTypeError WrongProjectError current_auth current_claims current_client
    current_principal current_team current_user current_webhook document_authentication
    install_error_handlers optional_user require_api_key require_permission require_team_member
    require_team_permission require_user
"""


def test_the_public_names_are_these() -> None:
    assert stack_fastapi.__all__ == PUBLIC.split()
    assert sorted(stack_fastapi.__all__) == stack_fastapi.__all__


def test_a_shell_shows_the_testing_kits_names_before_they_are_imported() -> None:
    assert set(testing.__all__) < set(dir(testing))
    assert "__name__" in dir(testing)


def aliases() -> set[str]:
    """Names of annotations; their meaning stands in the docstring of what they depend on."""
    return {
        name
        for name in stack_fastapi.__all__
        if typing.get_origin(getattr(stack_fastapi, name)) is typing.Annotated
    }


#: Unions of classes that are documented themselves.
UNIONS = {"ApiKeyPrincipal", "Principal", "WebhookEvent"}


@pytest.mark.parametrize("name", [name for name in stack_fastapi.__all__ if name not in UNIONS])
def test_a_public_name_is_documented_where_it_is_defined(name: str) -> None:
    value = getattr(stack_fastapi, name)
    if name in aliases():
        (dependency,) = value.__metadata__
        value = dependency.dependency
    described = value if inspect.isclass(value) or inspect.isfunction(value) else type(value)
    text = vars(described).get("__doc__") if inspect.isclass(described) else described.__doc__
    assert text
    assert text.splitlines()[0].endswith((".", ":"))


@pytest.mark.parametrize("name", stack_fastapi.__all__)
def test_every_public_method_of_a_public_class_is_documented(name: str) -> None:
    value = getattr(stack_fastapi, name)
    if inspect.isclass(value):
        for attribute, member in vars(value).items():
            if inspect.isfunction(member) and not attribute.startswith("_"):
                assert member.__doc__, attribute


def test_each_alias_stands_beside_its_dependency() -> None:
    assert {
        name: getattr(stack_fastapi, name).__metadata__[0].dependency for name in aliases()
    } == {
        "CurrentAuth": stack_fastapi.current_auth,
        "CurrentClient": stack_fastapi.current_client,
        "CurrentUser": stack_fastapi.current_user,
        "OptionalUser": stack_fastapi.optional_user,
        "CurrentClaims": stack_fastapi.current_claims,
        "CurrentTeam": stack_fastapi.current_team,
        "CurrentPrincipal": stack_fastapi.current_principal,
        "CurrentWebhook": stack_fastapi.current_webhook,
    }


# ---------------------------------------------------------------- the base install

#: Everything that an extra or a developer brings, and the first words of a run without it.
WITHOUT_EXTRAS = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent())
assert not ABSENT & set(sys.modules)
"""
ABSENT = {
    *("redis", "typer", "uvicorn", "httpx2", "svix", "websockets"),
    *("pytest", "hypothesis", "blockbuster", "jwt", "requests"),
}

#: An engine on plain httpx that lets a user in, from the text of stdin.
ENGINE = """
import asyncio, json, sys
import httpx
from stack_fastapi import StackAuth, StackAuthSettings

given = json.load(sys.stdin)
asked = []

def answer(request):
    asked.append(request.url.path)
    if request.url.path.endswith("/jwks.json"):
        return httpx.Response(200, json=given["keys"])
    return httpx.Response(200, json=given["user"])

class Connection:
    scope = {
        "type": "http",
        "method": "GET",
        "headers": [(b"x-stack-access-token", given["token"].encode())],
    }

async def main():
    settings = StackAuthSettings(**given["settings"])
    transport = httpx.MockTransport(answer)
    async with StackAuth(settings, transport=transport, clock=lambda: given["now"]) as auth:
        user = await auth.authenticate(Connection)
        await auth.authenticate(Connection)
    print(json.dumps({"user": user.id, "asked": asked, "loaded": sorted(sys.modules)}))

asyncio.run(main())
"""


def run(code: str, text: str = "", absent: set[str] = ABSENT) -> str:
    """What a fresh interpreter prints."""
    script = f"ABSENT = {absent!r}\n{WITHOUT_EXTRAS}\n{code}"
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own script
        [sys.executable, "-W", "error", "-c", script],
        input=text,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_base_install_imports_without_any_extra() -> None:
    code = "import stack_fastapi\nprint(len(stack_fastapi.__all__))"
    assert run(code).strip() == str(len(stack_fastapi.__all__))


def test_on_plain_httpx_an_engine_lets_a_user_in(
    recorded_tokens: dict[str, typing.Any], recorded_exchanges: list[dict[str, typing.Any]]
) -> None:
    project = recorded_tokens["projects"]["main"]
    entry = next(
        entry
        for entry in recorded_tokens["tokens"]
        if entry["group"] == "genuine" and entry["project"] == "main"
        if entry["user_type"] == "normal"
    )
    key_set = json.loads((RECORDINGS / project["jwks"]).read_text())["response"]["body"]
    user = next(
        exchange["response"]["body"]
        for exchange in recorded_exchanges
        if exchange["request"]["path"] == "/api/v1/users/me"
        and exchange["request"]["headers"].get("x-stack-access-type") == "server"
        and exchange["response"]["status"] == 200
        and not exchange["response"]["body"].get("is_restricted", True)
    )
    given = {
        "token": entry["token"],
        "now": entry["now"],
        "keys": key_set,
        "user": {**user, "id": subject(entry["token"])},
        "settings": {
            "project_id": project["project_id"],
            "secret_server_key": "ssk_that_opens_nothing",
            "api_url": recorded_tokens["api_url"],
            "max_token_lifetime": 20 * 366 * 86_400,
        },
    }
    told = json.loads(run(ENGINE, json.dumps(given)))
    assert told["user"] == given["user"]["id"]
    key_set_path = f"/api/v1/projects/{project['project_id']}/.well-known/jwks.json"
    assert told["asked"] == [key_set_path, "/api/v1/users/me"]
    assert not ABSENT & set(told["loaded"])


def subject(token: str) -> str:
    """The user id in a token."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["sub"])
