"""Sessions and the access tokens that belong to them. No HTTP in here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from stack_fastapi.emulator.errors import KnownError
from stack_fastapi.emulator.state import access_tokens
from stack_fastapi.emulator.state.accounts import restricted_reason
from stack_fastapi.emulator.state.entropy import Entropy
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import Session, User, digest_of
from stack_fastapi.emulator.state.user_kind import UserKind, kind_of

YEAR_MILLIS = 365 * 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Issue:
    """Under which circumstances an access token is issued.

    Attributes:
        base_url: The issuer's base URL.
        lifetime: Seconds.
        now: Unix time in seconds.
    """

    base_url: str
    lifetime: float
    now: float


@dataclass(frozen=True)
class Tokens:
    """What signing in yields."""

    user_id: str
    session_id: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


def sign_in(project: Project, user: User, entropy: Entropy, issue: Issue) -> Tokens:
    """A new session of the user."""
    session, refresh_token = open_session(project, user, entropy, issue.now)
    access_token = new_access_token(project, user, session.id, issue)
    return Tokens(user.id, session.id, access_token, refresh_token)


def open_session(
    project: Project,
    user: User,
    entropy: Entropy,
    now: float,
    *,
    lifetime_millis: float = YEAR_MILLIS,
    is_impersonation: bool = False,
) -> tuple[Session, str]:
    """A new session and its refresh token, which is not kept."""
    now_millis, refresh_token = int(now * 1000), entropy.secret()
    session = Session(
        id=entropy.uuid(),
        user_id=user.id,
        created_at_millis=now_millis,
        last_used_at_millis=now_millis,
        expires_at_millis=now_millis + int(lifetime_millis),
        refresh_token_digest=digest_of(refresh_token),
        is_impersonation=is_impersonation,
    )
    project.sessions[session.id] = session
    user.last_active_at_millis = now_millis
    return session, refresh_token


def refresh(project: Project, refresh_token: str, issue: Issue) -> str:
    """A fresh access token; the refresh token stays the same.

    Raises:
        KnownError: There is no such session, or it has expired.
    """
    session = project.session_of(refresh_token)
    now_millis = int(issue.now * 1000)
    if session is None or session.expires_at_millis <= now_millis:
        raise KnownError("REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED")
    user = project.users[session.user_id]
    session.last_used_at_millis = user.last_active_at_millis = now_millis
    return new_access_token(project, user, session.id, issue)


def kind_of_user(project: Project, user: User) -> UserKind:
    """The kind of user that a fresh token says."""
    is_restricted = restricted_reason(project, user) is not None
    return kind_of(is_anonymous=user.is_anonymous, is_restricted=is_restricted)


def new_access_token(project: Project, user: User, session_id: str, issue: Issue) -> str:
    """An access token that says what the user is now."""
    key = project.signing_keys.signer(kind_of_user(project, user))
    return access_tokens.sign(claims_of(project, user, session_id, issue), key)


def claims_of(project: Project, user: User, session_id: str, issue: Issue) -> dict[str, Any]:
    """The claims of a fresh access token."""
    kind, reason = kind_of_user(project, user), restricted_reason(project, user)
    issued_at = math.floor(issue.now)
    return {
        "sub": user.id,
        "project_id": project.id,
        "branch_id": access_tokens.BRANCH,
        "refresh_token_id": session_id,
        "role": "authenticated",
        "name": user.display_name,
        "email": user.primary_email,
        "email_verified": user.primary_email_verified,
        "selected_team_id": user.selected_team_id,
        "signed_up_at": user.signed_up_at_millis // 1000,
        "is_anonymous": user.is_anonymous,
        "is_restricted": reason is not None,
        "restricted_reason": reason,
        "requires_totp_mfa": user.totp_secret_base64 is not None,
        "iat": issued_at,
        "iss": kind.issuer(issue.base_url, project.id),
        "aud": kind.audience(project.id),
        "exp": issued_at + math.ceil(issue.lifetime),
    }
