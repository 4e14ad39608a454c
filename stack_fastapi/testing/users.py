"""Users who are signed in, and tokens that say whatever a test wants."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, overload
from uuid import uuid4

from stack_fastapi.emulator import StackEmulator, Team as StackTeam, Tokens
from stack_fastapi.models import (
    ApiKey,
    ApiKeyPrincipal,
    ApiKeyValue,
    Team,
    TeamApiKeyPrincipal,
    User,
    UserApiKeyPrincipal,
)
from stack_fastapi.types import UserType

_TYPES: dict[UserType, dict[str, bool]] = {
    "normal": {},
    "restricted": {"restricted_by_admin": True},
    "anonymous": {"is_anonymous": True},
}

_TOTP_SECRET = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="  # noqa: S105 - twenty zeros, and nobody's


@dataclass(frozen=True, eq=False)
class SignedIn(Mapping[str, str]):
    """Somebody who is signed in; a mapping of the headers that say so.

    Attributes:
        user: the user as routes get to see it.
        token: the access token.
        tokens: the whole session, with its id and its refresh token.
        team: the team that the user was put into, if any.
    """

    user: User
    token: str = field(repr=False)
    tokens: Tokens = field(repr=False)
    team: StackTeam | None = None

    @property
    def headers(self) -> dict[str, str]:
        """For any HTTP client; the same as the object itself."""
        return {"X-Stack-Access-Token": self.token}

    @property
    def bearer(self) -> dict[str, str]:
        """The same as ``Authorization: Bearer``."""
        return {"Authorization": f"Bearer {self.token}"}

    def __getitem__(self, name: str) -> str:
        return self.headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.headers)

    def __len__(self) -> int:
        return len(self.headers)

    def setdefault(self, name: str, default: str) -> str:  # noqa: ARG002 - a dictionary's
        """Not there: somebody is not changed by a request.

        Raises:
            TypeError: always. Starlette's ``websocket_connect`` adds to the headers it is given.
        """
        raise TypeError(
            f"{name} cannot be added to somebody who is signed in; pass .headers, which is a new "
            "dictionary each time: websocket_connect(url, headers=alice.headers)"
        )


def sign_in(
    stack: StackEmulator,
    /,
    *,
    type: UserType = "normal",  # noqa: A002 - Stack's word
    permissions: Iterable[str] = (),
    team: str | StackTeam | None = None,
    team_permissions: Iterable[str] = (),
    project: str | None = None,
    **fields: Any,  # noqa: ANN401 - JSON
) -> SignedIn:
    """A new user who is signed in.

    Args:
        stack: the local Stack.
        type: ``normal``, ``restricted`` or ``anonymous``.
        permissions: held in the whole project; defined where they are not.
        team: a new team's name, or a team to join.
        team_permissions: held in that team; defined where they are not.
        project: the seed's name for the project; the first one if absent.
        **fields: those that POST /users takes, such as ``primary_email``.

    Raises:
        ValueError: Stack does not know the type or a field, or there are team permissions without
            a team.
        TypeError: permissions are one text.
        KnownError: somebody else signs in with the address.
    """
    if type not in _TYPES:
        raise ValueError(f"type is one of {', '.join(_TYPES)}, not {type!r}")
    for given in (permissions, team_permissions):
        if isinstance(given, str):  # which is an iterable of letters
            raise TypeError(f"permissions are a list of ids, such as [{given!r}]")
    user_id = stack.create_user(project, **_TYPES[type] | fields).id
    for permission_id in permissions:
        _define(stack, permission_id, "project", project)
        stack.grant(user_id, permission_id)
    joined = _join(stack, user_id, team, project)
    for permission_id in team_permissions:
        if joined is None:
            raise ValueError("team_permissions need a team.")
        _define(stack, permission_id, "team", project)
        stack.grant(user_id, permission_id, team_id=joined.id)
    tokens = stack.sign_in(user_id)
    user = User.model_validate(stack.user_json(user_id))
    return SignedIn(user, tokens.access_token, tokens, joined)


def issue_token(
    stack: StackEmulator,
    user_id: str | None = None,
    /,
    *,
    expires_in: float | None = None,
    **claims: Any,  # noqa: ANN401 - that is the point
) -> str:
    """An access token that says anything, signed with a key that is published.

    ``StackEmulator.issue_token`` can do more: other keys, headers, absent claims.

    Args:
        stack: the local Stack.
        user_id: whose token; a new user's if absent.
        expires_in: seconds from now; negative for a token that has expired.
        **claims: put in the place of those that Stack would write.

    Raises:
        KnownError: there is no such user.
    """
    if expires_in is not None:
        expires_at = math.floor(stack.now + expires_in)
        claims = {"exp": expires_at, "iat": min(math.floor(stack.now), expires_at - 1), **claims}
    return stack.issue_token(user_id or stack.create_user().id, **claims)


def fake_user(
    *,
    id: str | None = None,  # noqa: A002 - Stack's word
    requires_totp_mfa: bool = False,
    **fields: Any,  # noqa: ANN401 - JSON
) -> User:
    """A user as routes get to see it, with every field that Stack gives; nobody knows it.

    Args:
        id: the user's id; a random one if absent.
        requires_totp_mfa: whether the user has set up a second factor.
        **fields: those that POST /users takes, such as ``primary_email``.

    Raises:
        ValueError: Stack does not know a field.
    """
    _refuse_what_is_no_field(fields)
    if requires_totp_mfa:
        fields.setdefault("totp_secret_base64", _TOTP_SECRET)
    stack = StackEmulator()
    known = stack.user_json(stack.create_user(**fields).id)
    return User.model_validate(known | ({} if id is None else {"id": id}))


@overload
def fake_api_key(owner: User) -> UserApiKeyPrincipal: ...
@overload
def fake_api_key(owner: Team) -> TeamApiKeyPrincipal: ...
def fake_api_key(owner: User | Team) -> ApiKeyPrincipal:
    """An API key and whose it is, as routes get to see them; for ``override_user``.

    Args:
        owner: ``fake_user(...)``, for instance, or a ``Team``.

    Raises:
        TypeError: the owner is neither.
    """
    if not isinstance(owner, User | Team):
        raise TypeError(
            "an API key is a user's or a team's: pass fake_user(), or stack_fastapi.Team("
            f"id=str(uuid4()), display_name=…), not what is of type {type(owner).__name__}"
        )
    is_users = isinstance(owner, User)
    key = ApiKey(
        id=str(uuid4()),
        type="user" if is_users else "team",
        user_id=owner.id if is_users else None,
        team_id=None if is_users else owner.id,
        description="made up by a test",
        is_public=False,
        created_at_millis=0,
        value=ApiKeyValue(last_four="0000"),
    )
    if isinstance(owner, User):
        return UserApiKeyPrincipal(key, owner)
    return TeamApiKeyPrincipal(key, owner)


def _refuse_what_is_no_field(fields: Mapping[str, object]) -> None:
    """Say where a user gets what Stack does not keep with the user."""
    misplaced = sorted(fields.keys() & {"permissions", "team", "team_permissions"})
    if misplaced:
        raise ValueError(
            f"{' and '.join(misplaced)}: a user does not carry that. Say it where the user signs "
            "in: override_user(app, fake_user(), permissions=…, team_permissions={team_id: […]}), "
            "or sign_in(stack, permissions=…, team=…, team_permissions=…)"
        )


def _join(
    stack: StackEmulator, user_id: str, team: str | StackTeam | None, project: str | None
) -> StackTeam | None:
    if team is None:
        return None
    joined = stack.create_team(team, project=project) if isinstance(team, str) else team
    stack.add_member(joined.id, user_id)
    return joined


def _define(
    stack: StackEmulator, permission_id: str, scope: Literal["project", "team"], alias: str | None
) -> None:
    home = stack.project if alias is None else stack.projects[alias]
    if permission_id not in home.definitions:
        stack.define_permission(permission_id, scope, project=alias)
