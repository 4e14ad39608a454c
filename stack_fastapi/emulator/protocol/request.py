"""A request, taken out of ASGI: raw path, headers, query and body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from stack_fastapi.emulator import json_text
from stack_fastapi.emulator.errors import KnownError

#: The same headers under Stack's old and new name; where both are sent, the old one counts.
PREFIXES = ("x-stack-", "x-hexclave-")
MAX_HEADER_BYTES = 16 * 1024


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        path: As sent, still percent-encoded, but for `.` and `..`: those are climbed.
        headers: By lower-case name; values of repeated ones are joined by commas.
        base_url: Scheme and host that the client used, in lower case.
        peer: The client's address; None within the process.
        served_at: The address, or within the process the name, that the request arrived at.
    """

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    base_url: str
    peer: str | None = None
    served_at: str | None = None

    def stack_header(self, name: str) -> str | None:
        """One of Stack's own headers, by its name without the prefix."""
        for prefix in PREFIXES:
            if f"{prefix}{name}" in self.headers:
                return self.headers[f"{prefix}{name}"]
        return None

    def with_wrong_key(self) -> Request:
        """The same request with another key than the one that was sent."""
        headers = {
            name: "wrong" if name.startswith(PREFIXES) and name.endswith("-key") else value
            for name, value in self.headers.items()
        }
        return replace(self, headers=headers)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; the last one of a name counts."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def media_type(self) -> str:
        """The body's type, without parameters. Capitals count, as at the real server."""
        return self.headers.get("content-type", "").partition(";")[0].strip()

    def body(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body: JSON, a form, text, or None where none is meant.

        Raises:
            KnownError: It cannot be read, or nobody knows its type.
        """
        media_type = "" if self.method == "GET" else self.media_type
        if not media_type:
            return None
        if media_type == "application/json":
            return self._json()
        if media_type == "application/x-www-form-urlencoded":
            return dict(parse_qsl(self._text(), keep_blank_values=True))
        if media_type == "text/plain":
            return self._text()
        raise KnownError("BODY_PARSING_ERROR")

    def _json(self) -> Any:  # noqa: ANN401 - any JSON value
        try:
            return json_text.read(self._text())
        except (ValueError, RecursionError) as error:
            raise KnownError("BODY_PARSING_ERROR") from error

    def _text(self) -> str:
        """Without a byte-order mark; odd bytes are replaced."""
        return self.content.decode("utf-8-sig", errors="replace")


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Read a request whole."""
    content = b""
    more = True
    while more:
        message = await receive()
        content += message.get("body", b"")
        more = message.get("more_body", False)
    headers = _headers(scope)
    host = headers.get("host") or "localhost"
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    return Request(
        method=scope["method"],
        path=_climbed(raw_path.partition(b"?")[0].decode("latin-1")),
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        content=content,
        base_url=f"{scope.get('scheme', 'http')}://{host.lower()}",
        peer=scope["client"][0] if scope.get("client") else None,
        served_at=scope["server"][0] if scope.get("server") else None,
    )


def header_size(scope: Scope) -> int:
    """Bytes of all header fields."""
    return sum(len(name) + len(value) + 4 for name, value in scope["headers"])


def _climbed(path: str) -> str:
    """The path without `.` and `..`, which count percent-encoded as well (WHATWG URL)."""
    climbed: list[str] = []
    segments = path.removeprefix("/").split("/")
    for place, segment in enumerate(segments, start=1):
        plain = segment.lower().replace("%2e", ".")
        if plain not in {".", ".."}:
            climbed.append(segment)
            continue
        if plain == "..":
            del climbed[-1:]
        if place == len(segments):
            climbed.append("")
    return f"/{'/'.join(climbed)}"


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
