"""Who calls: access type, project, key and access token, checked in the real server's order.

0. Not of the real server: no page of another site has more than client access
1. A key or a token without an access type, an unknown access type, an access type without a project
2. The access token, so that a bad one beats an unknown project and a wrong key
3. Whether the project exists
4. The admin token, or else the key that the access type needs
5. The branch
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Literal, get_args

from joserfc.jwk import ECKey

from stack_fastapi.emulator.errors import KnownError, PlainError, forbidden
from stack_fastapi.emulator.protocol.guard import is_from_another_site
from stack_fastapi.emulator.protocol.request import Request
from stack_fastapi.emulator.state import access_tokens
from stack_fastapi.emulator.state.access_tokens import AccessToken, FindKey
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import User
from stack_fastapi.emulator.state.state import State
from stack_fastapi.emulator.state.user_kind import UserKind

AccessType = Literal["client", "server", "admin"]
ACCESS_TYPES: tuple[AccessType, ...] = get_args(AccessType)

_KEYS = (
    "publishable-client-key",
    "secret-server-key",
    "super-secret-admin-key",
    "admin-access-token",
)


@dataclass(frozen=True)
class Access:
    """A caller whom a project let in.

    Attributes:
        user: The signed-in user; None where there is no token or the user is gone.
        session_id: The session that the token belongs to.
    """

    type: AccessType
    project: Project
    user: User | None = None
    session_id: str | None = None


def authenticate(state: State, request: Request, now: float) -> Access | None:
    """Find out who calls; None for a request that does not say.

    Raises:
        KnownError: What the caller says is wrong.
        PlainError: The caller uses a developer's override, or is a page of another site that asks
            with more than client access.
    """
    access_type = _access_type(request)
    if access_type is None:
        return None
    if access_type != "client" and is_from_another_site(request):
        raise forbidden(
            "A page of another site has client access to the local Stack and no other: the keys of"
            " servers belong on servers, and any page could know these."
        )
    project_id = request.stack_header("project-id")
    if not project_id:
        raise KnownError("ACCESS_TYPE_WITHOUT_PROJECT_ID", {"request_type": access_type})
    token = _access_token(state, request, project_id, now)
    project = state.projects.get(project_id)
    if project is None:
        raise KnownError("CURRENT_PROJECT_NOT_FOUND", {"project_id": project_id})
    _check_key(request, project, access_type)
    branch = request.stack_header("branch-id")
    if branch not in {None, access_tokens.BRANCH}:
        raise KnownError("BRANCH_DOES_NOT_EXIST", {"branch_id": branch})
    if token is None:
        return Access(access_type, project)
    user = project.users.get(token.user_id)
    return Access(access_type, project, user, token.session_id)


def find_key_in(state: State) -> FindKey:
    """A look-up of signing keys in all projects."""

    def find_key(project_id: str, kind: UserKind, key_id: object) -> ECKey | None:
        project = state.projects.get(project_id)
        return project.signing_keys.find(kind, key_id) if project else None

    return find_key


def _access_type(request: Request) -> AccessType | None:
    given = request.stack_header("access-type")
    if not given:
        if any(request.stack_header(key) for key in _KEYS):
            raise KnownError("PROJECT_KEY_WITHOUT_ACCESS_TYPE")
        return None
    for access_type in ACCESS_TYPES:
        if given == access_type:
            return access_type
    raise KnownError("INVALID_ACCESS_TYPE")


def _access_token(
    state: State, request: Request, project_id: str, now: float
) -> AccessToken | None:
    """The token, if there is one that this request may carry."""
    text = request.stack_header("access-token")
    if not text:
        return None
    token = access_tokens.read(text, find_key_in(state), state.issuer_bases, now)
    if token.project_id != project_id:
        raise KnownError(
            "INVALID_PROJECT_FOR_ACCESS_TOKEN",
            {"expected_project_id": project_id, "actual_project_id": token.project_id},
        )
    allow_anonymous = request.stack_header("allow-anonymous-user") == "true"
    allow_restricted = request.stack_header("allow-restricted-user") == "true"
    if token.kind is UserKind.ANONYMOUS and not allow_anonymous:
        raise KnownError("ANONYMOUS_AUTHENTICATION_NOT_ALLOWED")
    if token.kind is UserKind.RESTRICTED and not (allow_restricted or allow_anonymous):
        raise KnownError(
            "RESTRICTED_USER_NOT_ALLOWED", {"restricted_reason": token.restricted_reason}
        )
    return token


def _check_key(request: Request, project: Project, access_type: AccessType) -> None:
    if request.stack_header("development-override-key"):
        raise PlainError(401, "A development override is for developers of the server itself.")
    if request.stack_header("admin-access-token"):
        # Tokens of its dashboard's users would count in the keys' place; there is no dashboard.
        raise KnownError("UNPARSABLE_ADMIN_ACCESS_TOKEN")
    if access_type == "client":
        check_client_key(project, request.stack_header("publishable-client-key"))
    elif access_type == "server":
        key = request.stack_header("secret-server-key")
        _check_secret(project, key, project.secret_server_key, "SERVER", "SECRET_SERVER_KEY")
    else:
        key = request.stack_header("super-secret-admin-key")
        expected = project.super_secret_admin_key
        _check_secret(project, key, expected, "ADMIN", "SUPER_SECRET_ADMIN_KEY")


def check_client_key(project: Project, key: str | None) -> None:
    """Check what client access needs.

    Raises:
        KnownError: The key is wrong, or it is absent and the project asks for it.
    """
    if key:
        if not is_same(key, project.publishable_client_key):
            raise KnownError("INVALID_PUBLISHABLE_CLIENT_KEY", {"project_id": project.id})
    elif project.config.require_publishable_client_key:
        raise KnownError("PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT", {"project_id": project.id})


def _check_secret(project: Project, key: str | None, expected: str, who: str, what: str) -> None:
    if not key:
        raise KnownError(f"{who}_AUTHENTICATION_REQUIRED")
    if not is_same(key, expected):
        raise KnownError(f"INVALID_{what}", {"project_id": project.id})


def is_same(given: str, expected: str) -> bool:
    """Compare a secret in a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode(), expected.encode())
