"""What Stack is asked: method, path, headers, body. Pure: no I/O, no HTTP library."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from stack_fastapi.version import VERSION

if TYPE_CHECKING:
    from stack_fastapi.settings import StackAuthSettings

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_USER = re.compile(rf"user_id={_ID.pattern}")

#: Most bytes of a response that are read; users have a few kilobytes.
MAX_BODY = 2 * 1024 * 1024
#: The same for lists that come whole, such as all members of a large team.
MAX_LIST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """What is asked; the repetition's log shows its repr, so that has no data.

    Attributes:
        path: below ``/api/v1``, with its query.
        token: the access token to send along.
        body: anything that JSON can hold; a secret in it is a ``SecretStr``.
        as_server: whether to show the secret server key.
        refresh_token: the refresh token to send along.
        max_body: most bytes of the response that are read.
    """

    method: str
    path: str
    token: SecretStr | None = None
    body: object = None
    as_server: bool = True
    refresh_token: SecretStr | None = None
    max_body: int = MAX_BODY

    @property
    def is_change(self) -> bool:
        """Whether it is more than a look-up."""
        return self.method != "GET"

    @property
    def identity(self) -> Hashable:
        """Tells it from requests about other records; nothing of a secret can be read from it.

        A user's token is another one every minute, and always about the same record: what it says
        of itself is good enough to tell users apart.
        """
        subject = None if self.token is None else _subject(self.token)
        return self.method, self.path, subject, hash(self.content)

    @property
    def subject(self) -> Hashable:
        """Tells whose record it is about: one user may be asked about in many ways."""
        found = _USER.search(self.path) or _ID.search(self.path)
        return found[0].rpartition("=")[2] if found else self.identity

    @property
    def content(self) -> bytes | None:
        """The body as JSON.

        Raises:
            ValueError: JSON cannot hold it.
        """
        if self.body is None:
            return None
        try:
            return json.dumps(self.body, allow_nan=False, default=_reveal).encode()
        except (TypeError, ValueError, RecursionError):
            pass
        raise ValueError("the body cannot be written as JSON")  # and none of it is shown

    def headers(self, settings: StackAuthSettings) -> dict[str, str]:
        """What is sent along."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if self.body is not None:
            headers["Content-Type"] = "application/json"
        if self.as_server:
            headers |= {
                "X-Stack-Access-Type": "server",
                "X-Stack-Project-Id": settings.project_id,
                "X-Stack-Secret-Server-Key": settings.secret_server_key.get_secret_value(),
                "X-Stack-Client-Version": f"python stack-fastapi@{VERSION}",
            }
        if self.token is not None:
            # Who may enter is our policy, decided later: Stack shall only say who it is.
            headers["X-Stack-Access-Token"] = self.token.get_secret_value()
            headers["X-Stack-Allow-Anonymous-User"] = "true"
        if self.refresh_token is not None:
            headers["X-Stack-Refresh-Token"] = self.refresh_token.get_secret_value()
        return headers

    def without_secrets(self, details: Mapping[str, object]) -> dict[str, object]:
        """What Stack says about a refusal, which may quote what was sent."""
        secrets = [secret.get_secret_value() for secret in self._secrets()]
        return {name: _cleaned(value, secrets) for name, value in details.items()}

    def _secrets(self) -> Iterator[SecretStr]:
        for value in (self.token, self.refresh_token, *_values(self.body)):
            if isinstance(value, SecretStr) and value.get_secret_value():
                yield value


def _subject(token: SecretStr) -> Hashable:
    text = token.get_secret_value()
    try:
        payload = text.split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(payload + "==="))["sub"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return hash(text)


def _reveal(value: object) -> str:
    """A secret's text, on its way into the body."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    raise TypeError(type(value).__name__)


def _values(body: object) -> tuple[object, ...]:
    """The fields of a body; secrets are in the first row only."""
    return tuple(body.values()) if isinstance(body, dict) else ()


def _cleaned(value: object, secrets: list[str]) -> object:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "…")
        return value
    if isinstance(value, dict):
        return {name: _cleaned(item, secrets) for name, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, secrets) for item in value]
    return value
