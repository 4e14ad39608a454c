"""Values that Stack does not refuse, but breaks at, or keeps and is broken by.

Each is refused here as Stack refuses a wrong form (400 ``SCHEMA_ERROR``): its own answer would be
a 500, which reads as an outage, and the harm would be done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import SecretStr

from stack_fastapi.exceptions import ApiSchemaError

_BAD_REQUEST = 400
# The rule of HTML for ``<input type="email">``, which Stack keeps to with server access.
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*", re.ASCII)
#: Most characters of a password, as JavaScript counts them.
_PASSWORD_LENGTH = 70
#: Most bytes that bcrypt reads.
_PASSWORD_BYTES = 72
#: The shortest life of a session, in milliseconds: of less, nothing is left when it is answered.
_SHORTEST_LIFE = 1000
_PROTOTYPE = "__proto__"
_NOT_KEPT = re.compile("[\0\ud800-\udfff]")


def schema_error(message: str) -> ApiSchemaError:
    """Stack's own refusal of a wrong form."""
    return ApiSchemaError(_BAD_REQUEST, ApiSchemaError.code, {"message": message})


def email(value: object) -> None:
    """Stack keeps another address, answers 500, and cannot show the contact channel any more.

    Raises:
        ApiSchemaError: it is none by the rule of HTML.
    """
    if not isinstance(value, str) or not _EMAIL.fullmatch(value):
        raise schema_error("an e-mail address must be one by the rule of HTML, such as a@b.example")


def password(value: object) -> None:
    """Stack answers 500 to a password that bcrypt cannot read to its end.

    Raises:
        ApiSchemaError: it is longer than 70 characters or 72 bytes.
    """
    if isinstance(value, SecretStr) and _is_too_long(value):
        raise schema_error("a password must have at most 70 characters, and 72 bytes in UTF-8")


def lifetime(millis: object) -> None:
    """Stack answers 500 where a session is over before it has begun.

    Raises:
        ApiSchemaError: it is not a whole number, or less than a second.
    """
    if not isinstance(millis, int) or millis < _SHORTEST_LIFE:
        raise schema_error("a session must last for a whole number of milliseconds, at least 1000")


def expiry(millis: object) -> None:
    """Stack takes 0 for no expiry: a key that should be invalid would be valid for ever.

    Raises:
        ApiSchemaError: it is 0.
    """
    if millis == 0:
        raise schema_error("expires_at_millis must not be 0, which is never to Stack: pass None")


def storable(body: object) -> None:
    """Stack's database keeps neither NUL nor half a character, and its code trips over one name.

    Raises:
        ApiSchemaError: there is such a text, or such a field, somewhere in it.
    """
    if not all(map(_is_storable, _parts(body))):
        raise schema_error(
            "no text may hold NUL or a lone surrogate, and no field may be named __proto__"
        )


def _parts(body: object) -> Iterator[object]:
    """A JSON value with all that is in it; also one that goes round in circles.

    JSON knows no such value, which is for whoever writes it to say.
    """
    rest, seen = [body], set[int]()
    while rest:
        part = rest.pop()
        yield part
        if isinstance(part, dict | list | tuple) and id(part) not in seen:
            seen.add(id(part))
            rest += [*part, *part.values()] if isinstance(part, dict) else part


def _is_storable(part: object) -> bool:
    if isinstance(part, dict):
        return _PROTOTYPE not in part
    text = part.get_secret_value() if isinstance(part, SecretStr) else part
    return not isinstance(text, str) or _NOT_KEPT.search(text) is None


def _is_too_long(secret: SecretStr) -> bool:
    shown = secret.get_secret_value()
    length = len(shown.encode("utf-16-le", "surrogatepass")) // 2
    size = len(shown.encode("utf-8", "surrogatepass"))
    return length > _PASSWORD_LENGTH or size > _PASSWORD_BYTES
