"""Whether a webhook is Stack's: the signature that Svix puts on it.

The scheme is that of Standard Webhooks (version 1, HMAC-SHA256 over id, time and body), under
Svix's header names or its own. Shapes are judged before the library sees anything, and the time by
the kit's clock; the library computes the signature.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import SecretStr
from standardwebhooks import Webhook

from stack_fastapi.exceptions import InvalidWebhookError
from stack_fastapi.types import Clock

#: How far the time of a delivery may lie from ours, in seconds: what the scheme recommends.
TOLERANCE = 300

_FAMILIES = ("svix-", "webhook-")
_PARTS = ("id", "timestamp", "signature")
# What is signed is joined with full stops: an id that holds one could be split in another place.
_ID = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,256}")
_SECONDS = re.compile(r"[1-9][0-9]{0,14}")


class WebhookSignatures:
    """Judges the signatures of one project's webhooks.

    Args:
        secret: ``whsec_`` and the key in base 64.
        clock: Unix time in seconds.
    """

    def __init__(self, secret: SecretStr, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def check(self, headers: Mapping[str, str], body: bytes) -> str:
        """The id of a message that Stack sent, within ``TOLERANCE``.

        Args:
            headers: the request's; names in any case.
            body: byte for byte as it came.

        Raises:
            InvalidWebhookError: nothing proves that it is Stack's.
        """
        message_id, timestamp, signatures = self.check_headers(headers)
        if not self._fits(message_id, int(timestamp), body, signatures):
            raise InvalidWebhookError("bad_signature")
        return message_id

    def check_headers(self, headers: Mapping[str, str]) -> tuple[str, str, str]:
        """Id, time and signatures, as far as they can be judged without the body.

        Raises:
            InvalidWebhookError: whatever the body is, it is no message of Stack's.
        """
        parts = _parts(headers)
        self._check_time(parts[1])
        return parts

    def _check_time(self, timestamp: str) -> None:
        if not _SECONDS.fullmatch(timestamp):
            raise InvalidWebhookError("bad_timestamp")
        age = self._clock() - int(timestamp)
        if age > TOLERANCE:
            raise InvalidWebhookError("old_timestamp")
        if age < -TOLERANCE:
            raise InvalidWebhookError("future_timestamp")

    def _fits(self, message_id: str, seconds: int, body: bytes, signatures: str) -> bool:
        """Whether one of the signatures is right; no frame that raises holds the right one."""
        if not _ID.fullmatch(message_id):
            return False
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return False
        signer = Webhook(self._secret.get_secret_value())
        expected = signer.sign(message_id, datetime.fromtimestamp(seconds, tz=UTC), text)
        return _is_among(expected, signatures)


def signature_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Those of a request that tell one message from another; names in lower case."""
    fields = [(name.lower(), value) for name, value in headers.items()]
    return [field for field in fields if field[0].startswith(_FAMILIES)]


def _parts(headers: Mapping[str, str]) -> tuple[str, str, str]:
    """Id, time and signatures, of whichever family of names was sent."""
    sent: dict[str, str] = {}
    for name, value in signature_headers(headers):
        if name in sent:
            raise InvalidWebhookError("repeated_header")
        sent[name] = value
    for family in _FAMILIES:
        message_id, timestamp, signatures = (sent.get(family + part, "") for part in _PARTS)
        if message_id and timestamp and signatures:
            return message_id, timestamp, signatures
    raise InvalidWebhookError("missing_header")


def _is_among(expected: str, signatures: str) -> bool:
    """Whether one of several fits: while a secret is replaced, Svix signs with both."""
    wanted = expected.encode()
    given = signatures.encode(errors="replace").split(b" ")
    return any(hmac.compare_digest(wanted, candidate) for candidate in given)
