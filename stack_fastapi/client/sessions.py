"""Sessions, as server access sees them."""

from __future__ import annotations

from stack_fastapi._http import StackHttp
from stack_fastapi.client._reading import query, read_list
from stack_fastapi.models import Session


class SessionsApi:
    """``/auth/sessions`` of Stack's REST API."""

    def __init__(self, http: StackHttp) -> None:
        self._http = http

    async def list(self, user_id: str) -> list[Session]:
        """A user's sessions, without impersonations; those are for administrators."""
        body = await self._http.call("GET", f"/auth/sessions{query({'user_id': user_id})}")
        return read_list(Session, body)
