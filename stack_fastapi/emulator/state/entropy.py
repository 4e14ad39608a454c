"""Ids and secrets in the forms that Stack gives them, from a source of randomness passed in."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable

#: Crockford's base 32 in lower case: no i, l, o and u.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
SECRET_LENGTH = 45
REQUEST_ID_LENGTH = 16
MESSAGE_ID_LENGTH = 27

RandomBytes = Callable[[int], bytes]


class Entropy:
    """Makes ids and secrets.

    Args:
        random_bytes: Gives that many random bytes. Secrets are only as good as this source.
    """

    def __init__(self, random_bytes: RandomBytes) -> None:
        self._random_bytes = random_bytes

    def uuid(self) -> str:
        """A random UUID, version 4."""
        return str(uuid.UUID(bytes=self._random_bytes(16), version=4))

    def secret(self) -> str:
        """45 letters and digits: refresh tokens, attempt codes, the secret part of API keys."""
        return self._text(SECRET_LENGTH)

    def request_id(self) -> str:
        """16 letters and digits, for x-stack-request-id."""
        return self._text(REQUEST_ID_LENGTH)

    def key_id(self) -> str:
        """12 letters, digits, hyphens and underscores, for signing keys."""
        return base64.urlsafe_b64encode(self._random_bytes(9)).decode()

    def message_id(self) -> str:
        """`msg_` and 27 letters and digits, for webhooks."""
        return f"msg_{self._text(MESSAGE_ID_LENGTH)}"

    def salt(self) -> bytes:
        """16 bytes to hash a password with."""
        return self._random_bytes(16)

    def _text(self, length: int) -> str:
        return "".join(ALPHABET[byte % len(ALPHABET)] for byte in self._random_bytes(length))
