"""On whose behalf a request comes: a user who is signed in, or the owner of an API key.

Type checkers tell them apart by ``isinstance`` or ``match``.
"""

from __future__ import annotations

from dataclasses import dataclass

from stack_fastapi.models.api_key import ApiKey
from stack_fastapi.models.claims import AccessTokenClaims
from stack_fastapi.models.team import Team
from stack_fastapi.models.user import User


@dataclass(frozen=True, slots=True)
class UserPrincipal:
    """A user who is signed in.

    Attributes:
        user: the user.
        claims: what the access token says.
    """

    user: User
    claims: AccessTokenClaims


@dataclass(frozen=True, slots=True)
class UserApiKeyPrincipal:
    """A program that acts for a user, with one of the user's API keys.

    Attributes:
        key: the key's record.
        user: its owner.
    """

    key: ApiKey
    user: User


@dataclass(frozen=True, slots=True)
class TeamApiKeyPrincipal:
    """A program that acts for a team, with one of the team's API keys.

    Attributes:
        key: the key's record.
        team: its owner.
    """

    key: ApiKey
    team: Team


#: The owner of an API key.
ApiKeyPrincipal = UserApiKeyPrincipal | TeamApiKeyPrincipal
#: Everybody on whose behalf a request may come.
Principal = UserPrincipal | UserApiKeyPrincipal | TeamApiKeyPrincipal
