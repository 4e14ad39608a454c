"""Step 2 of 5: is this text an access token of our project, and what does it say.

Checked locally: shape, key, signature, claims, in this order. A good verdict is remembered under
the SHA-256 of the whole token until the token ends, and only as long as its key is published.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from joserfc import jws
from joserfc.errors import JoseError
from pydantic import SecretStr

from stack_fastapi.cache import MemoryCache
from stack_fastapi.exceptions import (
    InvalidTokenError,
    TokenExpiredError,
    TokenReason,
    WrongProjectError,
)
from stack_fastapi.models import AccessTokenClaims
from stack_fastapi.tokens.claims import (
    RefusedTokenError,
    TokenParts,
    TokenRules,
    check_claims,
    read_object,
    split,
)
from stack_fastapi.tokens.jwks import KeySet, PublicKey
from stack_fastapi.types import Clock

# Header parameters that we do not know are to be ignored (RFC 7515, section 4); those that
# matter are checked before.
_REGISTRY = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)


class _Verdict(NamedTuple):
    """What was found of a good token, and the key that proved it."""

    claims: AccessTokenClaims
    kid: str
    key: PublicKey


class Verifier:
    """Judges access tokens of one project.

    Args:
        keys: the project's public keys.
        rules: what a token must say.
        clock: Unix time in seconds.
        size: how many good verdicts are remembered at the most.
    """

    def __init__(self, keys: KeySet, rules: TokenRules, clock: Clock, size: int) -> None:
        self._keys = keys
        self._rules = rules
        self._clock = clock
        self._seen: MemoryCache[_Verdict] = MemoryCache(size, clock)

    def recall(self, token: SecretStr) -> AccessTokenClaims | None:
        """The claims of a token that was judged before, where nothing need be asked for that."""
        seen = self._seen.get(_digest(token))
        if seen is None or not self._keys.is_current(seen.kid, seen.key):
            return None
        return seen.claims

    async def verify(self, token: SecretStr) -> AccessTokenClaims:
        """The claims of a token that is good now.

        Raises:
            InvalidTokenError: it is not, with the reason.
            UnavailableError: the project's keys cannot be had.
        """
        digest = _digest(token)
        seen = self._seen.get(digest)
        if seen is not None and await self._keys.get(seen.kid) is seen.key:
            # Asked again, for it may have ended while we waited for the keys.
            seen = self._seen.get(digest)
            if seen is not None:
                return seen.claims
        parts = _split(token)
        if not isinstance(parts, TokenParts):
            raise _refusal(parts)
        key = await self._keys.get(parts.kid)
        if key is None:
            raise InvalidTokenError("unknown_key")
        # Perhaps its twin was judged while this one waited for the keys.
        return self.recall(token) or self._verify(token, digest, parts, key)

    def _verify(
        self, token: SecretStr, digest: str, parts: TokenParts, key: PublicKey
    ) -> AccessTokenClaims:
        now = self._clock()
        claims = self._judge(token, parts, key, now)
        if not isinstance(claims, AccessTokenClaims):
            raise _refusal(claims)
        lifetime = claims.exp + self._rules.leeway - now
        self._seen.set(digest, _Verdict(claims, parts.kid, key), lifetime)
        return claims

    def _judge(
        self, token: SecretStr, parts: TokenParts, key: PublicKey, now: float
    ) -> AccessTokenClaims | TokenReason:
        if not _is_signed(token, key):
            return "bad_signature"
        try:
            return check_claims(read_object(parts.payload), self._rules, now)
        except RefusedTokenError as refused:
            return refused.reason


def _digest(token: SecretStr) -> str:
    text = token.get_secret_value()
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _split(token: SecretStr) -> TokenParts | TokenReason:
    """The token's parts or why it has none: a value, so that no traceback holds the text."""
    try:
        return split(token.get_secret_value())
    except RefusedTokenError as refused:
        return refused.reason


def _is_signed(token: SecretStr, key: PublicKey) -> bool:
    try:
        jws.deserialize_compact(token.get_secret_value(), key.key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, RecursionError):
        return False
    return True


def _refusal(reason: TokenReason) -> InvalidTokenError:
    if reason == "expired":
        return TokenExpiredError()
    if reason == "wrong_project":
        return WrongProjectError()
    return InvalidTokenError(reason)
