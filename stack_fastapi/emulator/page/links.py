"""Where things are on the page."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlencode

ROOT = "/"
PREFIX = "/local-stack/page/"


def owns(path: str) -> bool:
    """Whether a path, as sent, belongs to the page."""
    return path == ROOT or path.startswith(PREFIX)


def href(*parts: str, **query: str) -> str:
    """The address of something on the page; empty parts of the query are left out."""
    path = PREFIX + "/".join(quote(part, safe="", errors="replace") for part in parts)
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given, errors='replace')}" if given else path


def parts_of(path: str) -> tuple[str, ...]:
    """What `href` was made of."""
    return tuple(unquote(part) for part in path.removeprefix(PREFIX).split("/"))
