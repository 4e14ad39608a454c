"""Users, sessions and tokens, from Python."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from stack_fastapi.emulator.control.controls import Controls
from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.routes.user_forms import ServerUserUpdate, UserCreate
from stack_fastapi.emulator.state import access_tokens, accounts, sessions
from stack_fastapi.emulator.state.records import User
from stack_fastapi.emulator.state.sessions import Tokens
from stack_fastapi.emulator.state.user_kind import UserKind


class UserControls(Controls):
    """Methods about users and what they carry."""

    def create_user(self, project: str | None = None, /, **fields: Any) -> User:  # noqa: ANN401 - JSON
        """A new user. One with an address and a password can sign in with them.

        Args:
            project: The seed's name for the project; the first one if absent.
            **fields: Those that POST /users takes, such as `primary_email` and `password`.

        Raises:
            KnownError: Somebody else signs in with the address.
            ValueError: The server does not know a field, or its value is of the wrong type.
        """
        changes = accounts.with_email_auth(UserCreate.model_validate(fields).given())
        with self._state.lock:
            return accounts.create_user(
                self._state.project_named(project), changes, self._state.entropy, self._now_millis()
            )

    def update_user(self, user_id: str, /, **fields: Any) -> User:  # noqa: ANN401 - JSON
        """Change a user, with the fields that PATCH /users/{id} takes.

        Raises:
            KnownError: There is no such user, or somebody else signs in with the address.
            ValueError: The server does not know a field, or its value is of the wrong type.
        """
        changes = ServerUserUpdate.model_validate(fields).given()
        with self._state.lock:
            project, user = self._find(user_id)
            accounts.update_user(project, user, changes, self._state.entropy, self._now_millis())
            return user

    def user_json(self, user_id: str) -> dict[str, Any]:
        """A user as the API shows it to servers.

        Raises:
            KnownError: There is no such user.
        """
        with self._state.lock:
            return views.server_user(*self._find(user_id))

    def restrict_user(self, user_id: str, reason: str | None = None) -> User:
        """Restrict a user as an administrator does.

        `update_user(user_id, restricted_by_admin=False)` lifts it.

        Raises:
            KnownError: There is no such user.
        """
        return self.update_user(
            user_id, restricted_by_admin=True, restricted_by_admin_reason=reason
        )

    def delete_user(self, user_id: str) -> None:
        """Delete a user with all sessions, memberships and API keys.

        Raises:
            KnownError: There is none.
        """
        with self._state.lock:
            project, user = self._find(user_id)
            accounts.delete_user(project, user.id)

    def sign_in(self, user_id: str) -> Tokens:
        """A new session of a user.

        Raises:
            KnownError: There is no such user.
        """
        with self._state.lock:
            project, user = self._find(user_id)
            return sessions.sign_in(project, user, self._state.entropy, self._issue())

    def anonymous(self, project: str | None = None) -> Tokens:
        """A new anonymous user's session."""
        return self.sign_in(self.create_user(project, is_anonymous=True).id)

    def revoke_session(self, session_id: str) -> None:
        """End a session. Its access tokens stay good until they expire, as at the real server."""
        with self._state.lock:
            for project in self._state.projects.values():
                project.sessions.pop(session_id, None)

    def issue_token(
        self,
        user_id: str,
        /,
        *,
        kind: UserKind | None = None,
        header: Mapping[str, Any] | None = None,
        without: Collection[str] = (),
        **claims: Any,  # noqa: ANN401 - that is the point
    ) -> str:
        """An access token that says anything, signed with a key that is published.

        Args:
            user_id: Whose token.
            kind: The kind of user whose key signs; that of the user if absent.
            header: Put into the header.
            without: Names of claims to leave out.
            **claims: Put in the place of those that the server would write.

        Raises:
            KnownError: There is no such user.
        """
        with self._state.lock:
            project, user = self._find(user_id)
            session, _ = sessions.open_session(
                project, user, self._state.entropy, self._state.clock()
            )
            written = sessions.claims_of(project, user, session.id, self._issue()) | claims
            key = project.signing_keys.signer(kind or sessions.kind_of_user(project, user))
        kept = {name: value for name, value in written.items() if name not in without}
        return access_tokens.sign(kept, key, header)

    def rotate_keys(self, *, keep_old: bool = True) -> None:
        """Sign with new keys from now on, in all projects.

        Args:
            keep_old: Whether the keys so far stay published. If not, tokens in use are no good
                any more.
        """
        self._state.rotate_keys(keep_old=keep_old)
