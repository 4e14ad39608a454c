"""Paths and queries. What callers pass in never leads to another endpoint.

Ids often come from a request. Quoting them is not enough: ``..`` has nothing to quote, servers in
between may unquote a slash, and ``check`` or ``me`` are words of the API itself. So only what can
be an id is sent; for all else Stack's own refusal is raised here (400 ``SCHEMA_ERROR``).
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from stack_fastapi.client._checks import schema_error

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_PERMISSION_ID = re.compile(r"\$?[a-z0-9_:]+", re.ASCII)
# What may stand between two slashes (RFC 3986, section 3.3), quoted slashes and dots left out.
_PART = re.compile(
    r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?!2[EFef]|5[Cc]|00)[0-9A-Fa-f]{2})+", re.ASCII
)
_DOTS = frozenset({".", ".."})


def uuid(value: str) -> str:
    """An id as Stack writes it, which is how our caches know it.

    Raises:
        ApiSchemaError: it is none.
    """
    lowered = value.lower()
    if not _UUID.fullmatch(lowered):
        raise schema_error("an id must be a UUID")
    return lowered


def optional_uuid(value: str | None) -> str | None:
    """The same, where it may be left out; an empty one is no id, and not left out."""
    return None if value is None else uuid(value)


def permission(value: str) -> str:
    """A permission's id.

    Raises:
        ApiSchemaError: it is none.
    """
    if not _PERMISSION_ID.fullmatch(value):
        raise schema_error("a permission id must consist of a-z, 0-9, _ and :")
    return value


def with_query(path: str, **fields: str | float | None) -> str:
    """A path with those fields as its query that are not None.

    Raises:
        ApiSchemaError: there is a NUL in one, at which Stack's database breaks.
    """
    words = {name: _word(value) for name, value in fields.items() if value is not None}
    if "\0" in "".join(words.values()):
        raise schema_error("a query must not hold NUL")
    query = urlencode(words, errors="replace")  # a lone surrogate finds nothing
    return f"{path}?{query}" if query else path


def checked_path(path: str) -> str:
    """A path of the caller's own, which no server can read as another one.

    Raises:
        ValueError: it is not absolute, not canonical, or not quoted.
    """
    parts = path.removeprefix("/").split("/")
    is_absolute = path.startswith("/")
    if not is_absolute or not all(map(_PART.fullmatch, parts)) or not _DOTS.isdisjoint(parts):
        raise ValueError("a path begins with one slash; quote its parts and pass the query apart")
    return path


def _word(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
