"""Passwords are kept as hashes only.

The cost is far below what a server on the internet needs: it protects the passwords of a test
against a glance into a saved state, and keeps a test suite with many sign-ups fast.
"""

from __future__ import annotations

import hashlib
import hmac
import re

MIN_LENGTH = 8
MAX_LENGTH = 70
#: As much of a password as bcrypt, the real server's hash, looks at.
MAX_BYTES = 72

_COST = {"n": 2**8, "r": 8, "p": 1}
_BCRYPT = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}")


def hash_password(password: str, salt: bytes) -> str:
    """The password's hash, with what is needed to check it."""
    return f"scrypt${salt.hex()}${_digest(password, salt)}"


def is_right(password: str, stored: str | None) -> bool:
    """Whether the password fits the hash.

    A hash that came from elsewhere (bcrypt) never fits: the standard library cannot compute it.
    """
    scheme, _, rest = (stored or "").partition("$")
    if scheme != "scrypt":
        return False
    salt, _, digest = rest.partition("$")
    return hmac.compare_digest(_digest(password, bytes.fromhex(salt)), digest)


def is_known_hash(text: str) -> bool:
    """Whether the server takes the text for a user's password hash: bcrypt alone."""
    return _BCRYPT.fullmatch(text) is not None


def _digest(password: str, salt: bytes) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, **_COST).hex()
