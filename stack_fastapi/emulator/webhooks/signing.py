"""Svix's signature (Standard Webhooks, version 1), with the standard library. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import math

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
#: What a project's messages are signed with that was given no secret. It opens nothing elsewhere.
LOCAL_SECRET = f"{SECRET_PREFIX}bG9jYWwtZW11bGF0b3Itb25seS1rZXkh"
LEAST_KEY_BYTES = 16


def sign(secret: str, message_id: str, now: float, content: bytes) -> dict[str, str]:
    """The headers of a delivery.

    Args:
        secret: `whsec_` and the key in base 64.
        message_id: The same for all attempts: receivers know repetitions by it.
        now: When it is sent; Unix time in seconds.
        content: The body, byte for byte.

    Raises:
        ValueError: The secret has another form.
    """
    timestamp = str(math.floor(now))
    signed = b".".join([message_id.encode(), timestamp.encode(), content])
    digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "svix-id": message_id,
        "svix-timestamp": timestamp,
        "svix-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def check(secret: object) -> None:
    """Make sure that messages can be signed with a secret, and that receivers take it for one.

    Raises:
        ValueError: It has another form or is short. The message does not quote it.
    """
    if not isinstance(secret, str) or len(_key_in(secret)) < LEAST_KEY_BYTES:
        raise ValueError(
            f"A webhook secret is whsec_ and at least {LEAST_KEY_BYTES} bytes in base 64."
        )


def key_of(secret: str) -> bytes:
    """The key in a secret.

    Raises:
        ValueError: It has another form. The message does not quote it.
    """
    key = _key_in(secret)
    if not key:
        raise ValueError("A webhook secret is whsec_ and a key in base 64.")
    return key


def _key_in(secret: str) -> bytes:
    """The same; nothing where it has another form."""
    if not secret.startswith(SECRET_PREFIX):
        return b""
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        return b""
