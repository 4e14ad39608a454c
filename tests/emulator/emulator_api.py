"""A client of an emulator without sockets, threads or an HTTP library."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stack_fastapi.emulator import StackEmulator

HOST = "stack.localhost"
API = "/api/v1"


class StandingClock:
    """A clock that tests move by hand; Unix time in seconds."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str | None:
        return self.headers.get("x-stack-known-error")

    @property
    def outcome(self) -> tuple[int, str | None]:
        return self.status, self.code


@dataclass
class Api:
    """Asks an emulator with the keys of one of its projects."""

    emulator: StackEmulator
    project: str | None = None
    client: tuple[str, int] | None = ("127.0.0.1", 1234)
    server: tuple[str, int] | None = None
    state: dict[str, Any] = field(default_factory=dict)

    def keys(self, access: str) -> dict[str, str]:
        home = self.emulator.projects[self.project] if self.project else self.emulator.project
        name, key = {
            "client": ("publishable-client-key", home.publishable_client_key),
            "server": ("secret-server-key", home.secret_server_key),
            "admin": ("super-secret-admin-key", home.super_secret_admin_key),
        }[access]
        return {
            "x-stack-access-type": access,
            "x-stack-project-id": home.id,
            f"x-stack-{name}": key,
        }

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        access: str = "server",
        token: str | None = None,
        **headers: str,
    ) -> Reply:
        """Ask below /api/v1; `headers` are Stack's, without the prefix and with underscores."""
        sent = self.keys(access)
        if token is not None:
            sent["x-stack-access-token"] = token
        sent |= {f"x-stack-{name.replace('_', '-')}": value for name, value in headers.items()}
        return self.raw(method, f"{API}{path}", sent, body)

    def raw(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Reply:
        """Ask anything; a body of bytes is sent as it is, any other one as JSON."""
        sent = {"host": HOST, **(headers or {})}
        content = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            content = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        return asyncio.run(self._ask(method, path, sent, content))

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes
    ) -> Reply:
        target, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": target,
            "raw_path": target.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "scheme": "http",
            "client": self.client,
            "server": self.server,
            "state": self.state,
        }
        received = [{"type": "http.request", "body": content, "more_body": False}]
        sent: list[Any] = []

        async def receive() -> Any:
            return received.pop(0) if received else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.emulator.app(scope, receive, send)
        start = sent[0]
        return Reply(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(message["body"] for message in sent[1:]),
        )
