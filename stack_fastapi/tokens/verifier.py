"""Step 2 of 5: is this text an access token of our project, and what does it say.

Checked locally: shape, key, signature, claims, in this order. A good verdict is remembered under
the SHA-256 of the whole token until the token ends, and only as long as its key is published.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from joserfc import jws
from pydantic import SecretStr

from stack_fastapi.cache import MemoryCache, Store
from stack_fastapi.exceptions import (
    InvalidTokenError,
    TokenExpiredError,
    TokenReason,
    WrongProjectError,
)
from stack_fastapi.models import AccessTokenClaims
from stack_fastapi.models._base import Compactor
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.tokens.claims import (
    RefusedTokenError,
    TokenParts,
    TokenRules,
    check_claims,
    digest_of,
    is_of_another_project,
    issuer_base,
    read_object,
    split,
)
from stack_fastapi.tokens.jwks import KeySet, PublicKey

# The form of an ES256 signature (RFC 7518, section 3.4).
_ES256 = jws.JWSRegistry.algorithms["ES256"]


#: Claims that are the same in most tokens; no text that users choose is kept for ever.
_COMMON = ("iss", "aud", "project_id", "branch_id", "role")


class VerifiedToken:
    """What was found of a good token.

    Attributes:
        digest: what it is remembered under.
        claims: what it says.
        kid: id of the key that proved it.
        key: that key.
        not_before: Unix time from which it is good; a clock that is set back makes it too early.
        not_after: Unix time at which it ends.
        decision: what the engine decided about it; lives and ends with it.
    """

    __slots__ = ("claims", "decision", "digest", "key", "kid", "not_after", "not_before")

    def __init__(
        self,
        digest: bytes,
        claims: AccessTokenClaims,
        kid: str,
        key: PublicKey,
        rules: TokenRules,
    ) -> None:
        self.digest = digest
        self.claims = claims
        self.kid = kid
        self.key = key
        self.not_before = max(claims.iat, claims.nbf or claims.iat) - rules.clock_skew
        self.not_after = claims.exp + rules.leeway
        self.decision: Any = None


class Verifier:
    """Judges access tokens of one project.

    Args:
        keys: the project's public keys.
        rules: what a token must say.
        store: its clocks, and how many good verdicts are remembered at the most.
        log: where operators hear of problems.
    """

    def __init__(self, keys: KeySet, rules: TokenRules, store: Store, log: ProblemLog) -> None:
        self._keys = keys
        self._rules = rules
        self._clocks = store.clocks
        self._log = log
        self._compactor = Compactor(*_COMMON)
        self._seen: MemoryCache[VerifiedToken] = MemoryCache(store.size, store.clocks.monotonic)

    def seen(self, digest: bytes) -> VerifiedToken | None:
        """A token that was judged before and is good by the clock; its key may have gone since."""
        seen = self._seen.get(digest)
        if seen is None or not seen.not_before <= self._clocks.wall() < seen.not_after:
            return None
        return seen

    def fresh_until(self, seen: VerifiedToken) -> float:
        """The monotonic time until which the key that proved a token is known to be published."""
        return self._keys.fresh_until(seen.kid, seen.key)

    async def verify(self, token: SecretStr) -> AccessTokenClaims:
        """The claims of a token that is good now; raises like ``judge``."""
        return (await self.judge(token)).claims

    async def judge(self, token: SecretStr) -> VerifiedToken:
        """What is found of a token that is good now.

        Raises:
            InvalidTokenError: it is not, with the reason.
            UnavailableError: the project's keys cannot be had.
        """
        digest = digest_of(token)
        seen = self.seen(digest)
        if seen is not None and await self._keys.get(seen.kid) is seen.key:
            # Looked for again, for it may have ended while we waited for the keys.
            seen = self.seen(digest)
            if seen is not None:
                return seen
        parts = _split(token)
        if not isinstance(parts, TokenParts):
            raise _refusal(parts)
        key = await self._key(parts)
        # Perhaps its twin was judged while this one waited for the keys.
        seen = self.seen(digest)
        if seen is not None and seen.key is key:
            return seen
        return self._verify(digest, parts, key)

    async def _key(self, parts: TokenParts) -> PublicKey:
        key = await self._keys.get(parts.kid)
        if key is not None:
            return key
        # It is refused in any case; what it says of itself only chooses the word.
        if is_of_another_project(parts.payload, self._rules.project_id):
            raise WrongProjectError
        raise InvalidTokenError("unknown_key")

    def _verify(self, digest: bytes, parts: TokenParts, key: PublicKey) -> VerifiedToken:
        now = self._clocks.wall()
        claims = self._judge(parts, key, now)
        if not isinstance(claims, AccessTokenClaims):
            raise _refusal(claims)
        self._compactor.compact(claims)
        seen = VerifiedToken(digest, claims, sys.intern(parts.kid), key, self._rules)
        self._seen.set(digest, seen, seen.not_after - now)
        return seen

    def _judge(
        self, parts: TokenParts, key: PublicKey, now: float
    ) -> AccessTokenClaims | TokenReason:
        if not _ES256.verify(parts.signed, parts.signature, key.key):
            return "bad_signature"
        try:
            return check_claims(read_object(parts.payload), self._rules, now)
        except RefusedTokenError as refused:
            if refused.reason == "wrong_issuer":
                self._report_issuer(parts)
            return refused.reason

    def _report_issuer(self, parts: TokenParts) -> None:
        """Everybody's tokens may be refused for this, so the operator shall hear of it."""
        issuer = issuer_base(parts.payload)
        self._log.report(
            logging.WARNING,
            "WRONG_ISSUER",
            f"tokens signed with this project's own key are refused, for they were issued by "
            f"{issuer!r}: if that is your Stack server, add it to issuers (STACK_ISSUERS)",
        )


def _split(token: SecretStr) -> TokenParts | TokenReason:
    """The token's parts or why it has none: a value, so that no traceback holds the text."""
    try:
        return split(token.get_secret_value())
    except RefusedTokenError as refused:
        return refused.reason


def _refusal(reason: TokenReason) -> InvalidTokenError:
    if reason == "expired":
        return TokenExpiredError()
    if reason == "wrong_project":
        return WrongProjectError()
    return InvalidTokenError(reason)
