"""A small Stack for tests of the edge: it signs tokens, answers for its users, counts questions.

Field names, codes and the order of checks are those of the recordings.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import httpx2
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from stack_fastapi import StackAuth, StackAuthSettings
from stack_fastapi.types import UserType

PROJECT_ID = "11111111-2222-4333-8444-555555555555"
OTHER_PROJECT_ID = "66666666-7777-4888-9999-000000000000"
SERVER_KEY = "ssk_test_key_that_opens_nothing"
API_URL = "https://api.stack-auth.com"

#: What each type of user has in the claims and in the user alike.
FLAGS: dict[UserType, dict[str, Any]] = {
    "normal": {"is_anonymous": False, "is_restricted": False, "restricted_reason": None},
    "restricted": {
        "is_anonymous": False,
        "is_restricted": True,
        "restricted_reason": {"type": "email_not_verified"},
    },
    "anonymous": {
        "is_anonymous": True,
        "is_restricted": True,
        "restricted_reason": {"type": "anonymous"},
    },
}
_ISSUER_PATHS: dict[UserType, str] = {
    "normal": "projects",
    "restricted": "projects-restricted-users",
    "anonymous": "projects-anonymous-users",
}
_AUDIENCES: dict[UserType, str] = {"normal": "", "restricted": ":restricted", "anonymous": ":anon"}
_FROM_STACK = {"x-stack-request-id": "0123456789abcdef"}


def refusal(status: int, code: str, **headers: str) -> httpx2.Response:
    """How Stack refuses, with a code of its own."""
    body = {"code": code, "error": "<message>"}
    known = {"x-stack-known-error": code, **_FROM_STACK, **headers}
    return httpx2.Response(status, headers=known, json=body)


class Stack:
    """One project of a Stack server that runs in the test's head.

    Attributes:
        now: its clock, and the clock of engines that it makes; Unix time in seconds.
        users: user by id, as server access sees them.
        questions: what was asked, such as ``GET /users/me``.
        down: nobody can reach it.
        answer: given instead of any other.
        closed: how many HTTP clients have let go of the transport.
    """

    def __init__(self, project_id: str = PROJECT_ID, api_url: str = API_URL) -> None:
        self.now = 1_800_000_000.0
        self.project_id = project_id
        self.users: dict[str, dict[str, Any]] = {}
        self.questions: list[str] = []
        self.down = False
        self.answer: httpx2.Response | None = None
        self.closed = 0
        self._api_url = api_url
        self._numbers = itertools.count(1)
        self._keys: dict[UserType, ECKey] = {
            kind: ECKey.generate_key("P-256", {"kid": f"key-of-{kind}-users", "alg": "ES256"})
            for kind in _AUDIENCES
        }

    def add_user(self, kind: UserType = "normal", **fields: Any) -> str:
        """A new user of a type; returns the id."""
        user_id = str(UUID(int=next(self._numbers), version=4))
        self.users[user_id] = {
            "id": user_id,
            "display_name": None,
            "primary_email": f"{kind}@example.com" if kind != "anonymous" else None,
            "primary_email_verified": kind == "normal",
            "signed_up_at_millis": int(self.now * 1000),
            "last_active_at_millis": int(self.now * 1000),
            "server_metadata": None,
            **FLAGS[kind],
            **fields,
        }
        return user_id

    def token(self, user_id: str, kind: UserType = "normal", **claims: Any) -> str:
        """An access token, ten minutes long, signed with the key for this type of user."""
        payload = {
            "sub": user_id,
            "iss": f"{self._api_url}/api/v1/{_ISSUER_PATHS[kind]}/{self.project_id}",
            "aud": f"{self.project_id}{_AUDIENCES[kind]}",
            "iat": int(self.now),
            "exp": int(self.now) + 600,
            "project_id": self.project_id,
            "branch_id": "main",
            "refresh_token_id": "c1d45ea2-ba3a-4934-b1d1-6dd4b19fce63",
            "role": "authenticated",
            **FLAGS[kind],
            **claims,
        }
        key = self._keys[kind]
        header = {"alg": "ES256", "kid": key.kid}
        return jws.serialize_compact(header, json.dumps(payload), key, algorithms=["ES256"])

    def sign_in(self, kind: UserType = "normal", **fields: Any) -> dict[str, str]:
        """The headers of a new user of a type."""
        return bearer(self.token(self.add_user(kind, **fields), kind))

    def engine(self, **settings: Any) -> StackAuth:
        """An engine that asks this Stack and has its clock."""
        values = {"project_id": self.project_id, "secret_server_key": SERVER_KEY, **settings}
        return StackAuth(
            StackAuthSettings(**values), transport=_Transport(self), clock=lambda: self.now
        )

    def asked(self, what: str) -> int:
        """How many questions began like this."""
        return sum(question.startswith(what) for question in self.questions)

    def respond(self, request: httpx2.Request) -> httpx2.Response:
        """The answer to a request."""
        path = request.url.path.removeprefix("/api/v1")
        self.questions.append(f"{request.method} {path}")
        if self.down:
            raise httpx2.ConnectError("nobody listens there")
        if self.answer is not None:
            return self.answer
        if path.endswith("/.well-known/jwks.json"):
            return self._key_set(path)
        return self._server_problem(request) or self._user(path.removeprefix("/users/"), request)

    def _server_problem(self, request: httpx2.Request) -> httpx2.Response | None:
        """What is wrong before any user is looked for; a bad token beats a wrong key."""
        token = request.headers.get("x-stack-access-token")
        if token is not None and self._subject(token) is None:
            return refusal(401, "UNPARSABLE_ACCESS_TOKEN")
        if request.headers["x-stack-project-id"] != self.project_id:
            return refusal(400, "CURRENT_PROJECT_NOT_FOUND")
        if request.headers["x-stack-secret-server-key"] != SERVER_KEY:
            return refusal(401, "INVALID_SECRET_SERVER_KEY")
        return None

    def _user(self, user_id: str, request: httpx2.Request) -> httpx2.Response:
        if user_id != "me":
            gone = refusal(404, "USER_NOT_FOUND")
        else:
            user_id = self._subject(request.headers["x-stack-access-token"]) or ""
            gone = refusal(400, "CANNOT_GET_OWN_USER_WITHOUT_USER")
        if user_id not in self.users:
            return gone
        return httpx2.Response(200, headers=_FROM_STACK, json=self.users[user_id])

    def _key_set(self, path: str) -> httpx2.Response:
        if path != f"/projects/{self.project_id}/.well-known/jwks.json":
            return httpx2.Response(404, headers=_FROM_STACK, text="<text>")
        keys = [key.as_dict(private=False) for key in self._keys.values()]
        return httpx2.Response(200, headers=_FROM_STACK, json={"keys": keys})

    def _subject(self, token: str) -> str | None:
        for key in self._keys.values():
            try:
                found = jws.deserialize_compact(token, key, algorithms=["ES256"])
            except JoseError:
                continue
            return str(json.loads(found.payload)["sub"])
        return None


class _Transport(httpx2.AsyncBaseTransport):
    """Leads to a ``Stack``; counts how often it is closed."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._stack.respond(request)

    async def aclose(self) -> None:
        self._stack.closed += 1


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def code_of(answer: httpx2.Response) -> str:
    """The stable code in a refusal; beside it a message, and why a restricted user is one."""
    detail = answer.json()["detail"]
    restricted = detail["code"] == "RESTRICTED_USER_NOT_ALLOWED"
    assert detail.keys() == {"code", "message", *(["restricted_reason"] if restricted else [])}
    assert detail["message"]
    return str(detail["code"])


def said_nothing_of(secrets: Iterable[str], text: str) -> bool:
    """Whether no secret is in a text, nor the signed part of one that is a token."""
    return not any(part in text for secret in secrets for part in secret.split(".") if part)
