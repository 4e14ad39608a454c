"""Sessions of users."""

from __future__ import annotations

from dataclasses import replace

from pydantic import SecretStr

from stack_fastapi.client._calls import Calls, Success, claim, read
from stack_fastapi.client._checks import lifetime
from stack_fastapi.client._given import concealed
from stack_fastapi.client._paths import uuid, with_query
from stack_fastapi.client.transport.response import StackBrokeError
from stack_fastapi.exceptions import StackApiError, StackUnavailableError
from stack_fastapi.models import AccessToken, Session, SessionTokens, User
from stack_fastapi.types import Change

_SESSIONS = "/auth/sessions"
_CURRENT = "/auth/sessions/current"
_NOT_FOUND = 404


class SessionsApi:
    """``/auth/sessions`` of Stack's REST API; raises like ``users``.

    A session that has ended opens nothing new, but its access tokens stay good until they expire.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def list(self, user_id: str) -> list[Session]:
        """A user's sessions, the newest first: ``GET /auth/sessions``.

        An unknown user has none. Impersonations are not among them: Stack lists those for admin
        access only.
        """
        path = with_query(_SESSIONS, user_id=uuid(user_id))
        return await self._calls.read_list(Session, path)

    async def create(
        self,
        user_id: str,
        *,
        expires_in_millis: int | None = None,
        is_impersonation: bool = False,
    ) -> SessionTokens:
        """A new session: ``POST /auth/sessions``.

        Args:
            user_id: whose.
            expires_in_millis: how long it lasts, from one second to 367 days; None for Stack's
                own choice, a year.
            is_impersonation: whether it is to act in the user's place.

        Raises:
            ApiUserIdNotFoundError: the project has no such user.
            ApiSchemaError: it would last for too short, which is not asked, or for too long.
        """
        change = Change("session", uuid(user_id))
        body: dict[str, object] = {
            "user_id": change.user_id,
            "is_impersonation": is_impersonation,
        }
        if expires_in_millis is not None:
            lifetime(expires_in_millis)
            body["expires_in_millis"] = expires_in_millis

        def made(tokens: SessionTokens) -> Change:
            return replace(change, id=claim(tokens.access_token, "refresh_token_id"))

        return await self._calls.change(
            SessionTokens, "POST", _SESSIONS, change, made=made, body=body
        )

    async def impersonate(self, user_id: str, *, expires_in_millis: int) -> SessionTokens:
        """A session to act in the user's place, for a limited time: ``POST /auth/sessions``.

        Takes the arguments of ``create`` and raises what that raises.
        """
        return await self.create(
            user_id, expires_in_millis=expires_in_millis, is_impersonation=True
        )

    async def delete(self, session_id: str, user_id: str) -> None:
        """End a session: ``DELETE /auth/sessions/{session_id}``.

        Stack ends it whoever is named as its user, so the user's sessions are listed first, and
        one that is not among them is left alone. Nothing can come between: a session never changes
        its user. An impersonation is never among them (see ``list``): its own ``sign_out`` ends
        it, or its time.

        Raises:
            StackApiError: 404 without a code where the user has no such session.
        """
        change = Change("session", uuid(user_id), id=uuid(session_id))
        listed = {(session.id, session.user_id) for session in await self.list(user_id)}
        if (change.id, change.user_id) not in listed:
            await self._calls.tell(change)  # if it was the user's, it ended in another way
            raise StackApiError(_NOT_FOUND)
        await self._end(change)

    async def refresh(self, refresh_token: SecretStr | str) -> SecretStr:
        """A fresh access token: ``POST /auth/sessions/current/refresh``.

        Raises:
            ApiRefreshTokenNotFoundError: the session has ended.
        """
        refresh_token = concealed(refresh_token)
        path = f"{_CURRENT}/refresh"
        http = self._calls.http
        return read(
            AccessToken, await http.call("POST", path, body={}, refresh_token=refresh_token)
        ).access_token

    async def sign_out(self, token: SecretStr | str) -> None:
        """End the session that an access token belongs to: ``DELETE /auth/sessions/current``.

        Signing out again changes nothing and is no error. Stack's own code breaks at that (500);
        so then Stack is asked whose token it is (``GET /users/me``), and the session is ended by
        its id (``DELETE /auth/sessions/{session_id}``), where 404 says that it is over.

        Raises:
            ApiAccessTokenExpiredError, ApiAccessTokenInvalidError, ApiAccessTokenProjectError:
                the token is not good.
            ApiOwnUserNotFoundError: its user is gone, and the session with them.
            StackUnavailableError: nobody knows whether the session has ended.
        """
        token = concealed(token)
        change = Change("session", claim(token, "sub"), id=claim(token, "refresh_token_id"))
        try:
            await self._calls.change(Success, "DELETE", _CURRENT, change, token=token)
        except StackBrokeError as error:
            # The claims are not verified, and a server may end anybody's session: so the token
            # names one only after Stack itself took it for good.
            user = await self._calls.read(User, "/users/me", token=token)
            if user.id != change.user_id or change.id is None:
                raise StackUnavailableError(error.message) from None
            await self._end_if_there(change)

    async def _end_if_there(self, change: Change) -> None:
        try:
            await self._end(change)
        except StackApiError as error:
            if error.status != _NOT_FOUND:
                raise

    async def _end(self, change: Change) -> None:
        path = with_query(f"{_SESSIONS}/{uuid(str(change.id))}", user_id=change.user_id)
        await self._calls.change(Success, "DELETE", path, change)
