"""Step 3 of 5, its sister: whether the session of a token still lives.

A token stays valid until it expires, also after its user signed out: only the list of the user's
sessions shows that. A token's session is its ``refresh_token_id``.

An impersonation is listed for admin access only, and no token says that it is one. So absence has
two meanings for a server, and both are refused: a route that wants proof gets none.
"""

from __future__ import annotations

from stack_fastapi.cache import Kind, Store
from stack_fastapi.client import StackServerClient
from stack_fastapi.exceptions import SessionNotFoundError
from stack_fastapi.lookups.permissions import answered
from stack_fastapi.models import AccessTokenClaims
from stack_fastapi.types import Arrival

#: How long a response is used, in seconds, unless users are kept for a shorter time.
TTL = 3.0


class Sessions:
    """The sessions of one project's users.

    Remembered for each session and not for each user: a session that has just begun is in no
    list from before.

    Args:
        client: asks Stack.
        store: keeps the responses.
        ttl: how long they are good, in seconds; for at most ``TTL``.
    """

    def __init__(self, client: StackServerClient, store: Store, ttl: float) -> None:
        self._client = client
        alive: Kind[bool] = Kind(
            "session", min(TTL, ttl), is_negative=lambda is_alive: not is_alive
        )
        self._alive = store.lookup(alive)

    async def check(
        self, claims: AccessTokenClaims, arrival: Arrival, max_age: float | None = None
    ) -> None:
        """Let the session of a verified token pass, or raise.

        Args:
            claims: what the token says.
            arrival: when the request came in.
            max_age: how many seconds before that Stack may have been asked; None for ``TTL``.

        Raises:
            SessionNotFoundError: nothing proves that it lives.
            UnavailableError: Stack cannot say.
        """
        user_id, session_id = claims.sub, claims.refresh_token_id
        if session_id is None:
            raise SessionNotFoundError
        entry = await self._alive.get(
            f"{user_id}/{session_id}",
            (user_id, session_id),
            lambda: self._is_listed(user_id, session_id),
            arrival,
            max_age,
        )
        if not entry.value:
            raise SessionNotFoundError

    async def _is_listed(self, user_id: str, session_id: str) -> bool:
        found = await answered(self._client.sessions.list(user_id))
        return any((item.user_id, item.id) == (user_id, session_id) for item in found)
