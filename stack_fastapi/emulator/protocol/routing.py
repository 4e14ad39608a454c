"""From a method and a path to an endpoint, on the raw path as the real server does it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from stack_fastapi.emulator.protocol.access import ACCESS_TYPES, AccessType
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.response import Answer

Endpoint = Callable[[Call], Answer]

EVERYBODY: tuple[AccessType, ...] = ACCESS_TYPES
SERVER: tuple[AccessType, ...] = ("server", "admin")
ADMIN: tuple[AccessType, ...] = ("admin",)

#: One API under several names; the newest of the real server is a beta of the next version.
PREFIXES = ("/api/v1", "/api/latest", "/api/v2beta1")
_REPEATED = re.compile(r"[/\\]{2,}")


@dataclass(frozen=True)
class Route:
    """An endpoint and where it is found.

    Attributes:
        path: Below the API's prefix; `{name}` stands for one part of it.
        allowed: Access types that may call; None for everybody, even without one.
    """

    method: str
    path: str
    endpoint: Endpoint
    allowed: tuple[AccessType, ...] | None = EVERYBODY


@dataclass(frozen=True)
class Match:
    """What a path leads to."""

    routes: Mapping[str, Route] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


class Router:
    """Finds endpoints. Fixed paths win over those with parameters."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_path: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            self._by_path.setdefault(_parts(route.path), {})[route.method] = route

    def match(self, path: str) -> Match:
        """The endpoints at a path; none where nothing is there."""
        below = _below_prefix(path)
        if below is None:
            return Match()
        parts = _parts(below)
        found = [(pattern, _params(pattern, parts)) for pattern in self._by_path]
        matching = [(pattern, params) for pattern, params in found if params is not None]
        if not matching:
            return Match()
        pattern, params = min(matching, key=lambda item: len(item[1]))
        return Match(self._by_path[pattern], params)


def canonical(path: str) -> str:
    """The path without doubled and trailing slashes."""
    return _REPEATED.sub("/", path).rstrip("/") or "/"


def _below_prefix(path: str) -> str | None:
    for prefix in PREFIXES:
        if path == prefix or path.startswith(f"{prefix}/"):
            return path.removeprefix(prefix)
    return None


def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.strip("/").split("/"))


def _params(pattern: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    params = {}
    for expected, part in zip(pattern, parts, strict=True):
        if expected.startswith("{"):
            params[expected.strip("{}")] = unquote(part)
        elif expected != part:
            return None
    return params
