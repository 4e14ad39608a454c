"""Teams, permissions and API keys, from Python."""

from __future__ import annotations

from stack_fastapi.emulator.control.controls import Controls
from stack_fastapi.emulator.state import accounts, api_key_store, grants, membership
from stack_fastapi.emulator.state.records import PermissionDefinition, Scope, Team


class TeamControls(Controls):
    """Methods about what users may do, alone and together."""

    def create_team(
        self, display_name: str, *, creator: str | None = None, project: str | None = None
    ) -> Team:
        """A new team.

        Args:
            display_name: Its name.
            creator: Id of the user who makes it and becomes a member.
            project: The seed's name for the project; the first one if absent.

        Raises:
            KnownError: There is no such user in the project.
        """
        with self._state.lock:
            home = self._state.project_named(project)
            if creator is not None:
                membership.user_of(home, creator)
            team = Team(self._state.entropy.uuid(), display_name, self._now_millis())
            home.teams[team.id] = team
            if creator is not None:
                accounts.add_creator(home, team.id, creator)
            home.announce("team.created", team)
            return team

    def add_member(self, team_id: str, user_id: str) -> None:
        """Take a user into a team.

        Raises:
            KnownError: There is no such user or team, or the user is a member already.
        """
        with self._state.lock:
            project, user = self._find(user_id)
            membership.add_member(project, team_id, user.id)

    def remove_member(self, team_id: str, user_id: str) -> None:
        """Take a user out of a team.

        Raises:
            KnownError: There is no such user, or the user is not in the team.
        """
        with self._state.lock:
            project, user = self._find(user_id)
            membership.remove_member(project, team_id, user.id)

    def define_permission(
        self,
        permission_id: str,
        scope: Scope = "project",
        *,
        contains: tuple[str, ...] = (),
        project: str | None = None,
    ) -> None:
        """Add a permission that can be granted.

        Args:
            permission_id: Its id.
            scope: Whether it is granted in teams or in the whole project.
            contains: Ids of the permissions that it contains.
            project: The seed's name for the project; the first one if absent.

        Raises:
            KnownError: The id is taken, or a contained permission does not exist.
        """
        with self._state.lock:
            definition = PermissionDefinition(permission_id, scope, None, list(contains))
            grants.define(self._state.project_named(project), definition)

    def grant(self, user_id: str, permission_id: str, *, team_id: str | None = None) -> None:
        """Grant a permission in a team, or in the whole project.

        Raises:
            KnownError: There is no such user, membership or permission.
        """
        with self._state.lock:
            project, user = self._find(user_id)
            if team_id is None:
                grants.grant_in_project(project, user.id, permission_id)
            else:
                grants.grant_in_team(project, team_id, user.id, permission_id)

    def revoke(self, user_id: str, permission_id: str, *, team_id: str | None = None) -> None:
        """Revoke a permission that was granted directly.

        Raises:
            KnownError: There is no such user or membership, or the permission was not granted.
        """
        with self._state.lock:
            project, user = self._find(user_id)
            if team_id is None:
                grants.revoke_in_project(project, user.id, permission_id)
            else:
                grants.revoke_in_team(project, team_id, user.id, permission_id)

    def create_user_api_key(self, user_id: str, *, expires_at_millis: int | None = None) -> str:
        """The text of a new API key of a user.

        Raises:
            KnownError: There is no such user.
        """
        with self._state.lock:
            project, user = self._find(user_id)
            _, text = api_key_store.create(
                self._state,
                project,
                "user",
                user.id,
                description="made in Python",
                expires_at_millis=expires_at_millis,
            )
            return text

    def create_team_api_key(self, team_id: str, *, expires_at_millis: int | None = None) -> str:
        """The text of a new API key of a team.

        Raises:
            KnownError: There is no such team.
        """
        with self._state.lock:
            homes = self._state.projects.values()
            project = next((home for home in homes if team_id in home.teams), self.project)
            _, text = api_key_store.create(
                self._state,
                project,
                "team",
                membership.team_of(project, team_id).id,
                description="made in Python",
                expires_at_millis=expires_at_millis,
            )
            return text
