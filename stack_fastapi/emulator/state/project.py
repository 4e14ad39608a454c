"""A project and what is found in it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from stack_fastapi.emulator.state.events import EventType, Listener, Subject
from stack_fastapi.emulator.state.permissions import SYSTEM_TEAM_PERMISSIONS, closure
from stack_fastapi.emulator.state.records import (
    ApiKey,
    ContactChannel,
    Endpoint,
    Membership,
    PermissionDefinition,
    ProjectConfig,
    Scope,
    Session,
    Team,
    User,
    VerificationCode,
    digest_of,
)
from stack_fastapi.emulator.state.signing_keys import SigningKeys


def _system_permissions() -> dict[str, PermissionDefinition]:
    return {
        id_: PermissionDefinition(id_, "team", description)
        for id_, description in SYSTEM_TEAM_PERMISSIONS.items()
    }


@dataclass
class Project:
    """One project: its keys, its rules and its data.

    Attributes:
        alias: What the seed calls it.
        id: Its id, as in `x-stack-project-id` and in the audience of its tokens.
        webhook_secret: What its webhooks are signed with.
        listener: Hears of changes; nobody at first.
    """

    alias: str
    id: str
    display_name: str
    publishable_client_key: str = field(repr=False)
    secret_server_key: str = field(repr=False)
    super_secret_admin_key: str = field(repr=False)
    signing_keys: SigningKeys = field(repr=False)
    webhook_secret: str = field(repr=False)
    config: ProjectConfig = field(default_factory=ProjectConfig, repr=False)
    definitions: dict[str, PermissionDefinition] = field(
        default_factory=_system_permissions, repr=False
    )
    users: dict[str, User] = field(default_factory=dict, repr=False)
    sessions: dict[str, Session] = field(default_factory=dict, repr=False)
    teams: dict[str, Team] = field(default_factory=dict, repr=False)
    #: By team and user.
    memberships: dict[tuple[str, str], Membership] = field(default_factory=dict, repr=False)
    api_keys: dict[str, ApiKey] = field(default_factory=dict, repr=False)
    #: Those that were sent, oldest first, by id.
    codes: dict[str, VerificationCode] = field(default_factory=dict, repr=False)
    endpoints: list[Endpoint] = field(default_factory=list, repr=False)
    listener: Listener | None = field(default=None, repr=False, compare=False)

    def announce(self, event: EventType, about: Subject) -> None:
        """Tell who listens of a change that was made."""
        if self.listener is not None:
            self.listener(event, about)

    def auth_channel(self, email: str) -> tuple[User, ContactChannel] | None:
        """Who signs in with an address; None if nobody does."""
        found = (
            (user, channel)
            for user in self.users.values()
            for channel in user.channels
            if channel.used_for_auth and channel.value == email
        )
        return next(found, None)

    def session_of(self, refresh_token: str) -> Session | None:
        """The session of a refresh token, whether expired or not."""
        digest = digest_of(refresh_token)
        return next(
            (
                session
                for session in self.sessions.values()
                if hmac.compare_digest(session.refresh_token_digest, digest)
            ),
            None,
        )

    def end_sessions(self, user_id: str, *, but: Session | None = None) -> None:
        """End a user's sessions, all or all but one; access tokens live on until they expire."""
        self.sessions = {
            id_: session
            for id_, session in self.sessions.items()
            if session.user_id != user_id or session is but
        }

    def teams_of(self, user_id: str) -> list[Team]:
        """The teams a user is in, oldest first."""
        return [team for team in self.teams.values() if (team.id, user_id) in self.memberships]

    def memberships_of(
        self, *, team_id: str | None = None, user_id: str | None = None
    ) -> list[Membership]:
        """Memberships in a team, of a user, or all, oldest first."""
        return [
            membership
            for membership in self.memberships.values()
            if team_id in {None, membership.team_id} and user_id in {None, membership.user_id}
        ]

    def definitions_of(self, scope: Scope) -> list[PermissionDefinition]:
        """The permissions that can be granted in a scope, by id."""
        found = [item for item in self.definitions.values() if item.scope == scope]
        return sorted(found, key=lambda item: item.id)

    def closure(self, granted: set[str]) -> set[str]:
        """The permissions and all that they contain."""
        return closure(
            granted,
            {id_: item.contained_permission_ids for id_, item in self.definitions.items()},
        )
