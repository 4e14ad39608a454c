"""Step 2 of 5, its keys: the project's public keys by key id.

The set is fetched once, refreshed behind the scenes before it is stale, and asked for again where
a token names an unknown key, at most once in a cool-down: anybody can invent key ids. Keys are
replaced by a good answer only; a failed, empty or malformed one leaves them as they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from stack_fastapi.cache import SingleFlight
from stack_fastapi.exceptions import StackUnavailableError, UnavailableError
from stack_fastapi.types import Clock

#: The share of its lifetime after which a key set is refreshed without anybody waiting for it.
_REFRESH_AT = 0.8
_FLIGHT = "jwks"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that can verify ES256 signatures.

    Attributes:
        coordinates: its point on P-256, base64url; two keys with the same point are the same.
    """

    coordinates: tuple[str, str]
    key: ECKey


class KeySet:
    """The public keys of one project.

    Args:
        fetch: asks Stack for the JWKS document; raises ``UnavailableError``.
        clock: Unix time in seconds.
        ttl: lifetime of a fetched set, in seconds.
        cooldown: shortest time between two fetches because of unknown key ids, in seconds.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[object]], clock: Clock, *, ttl: float, cooldown: float
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._ttl = ttl
        self._cooldown = cooldown
        self._keys: Mapping[str, PublicKey] = {}
        self._fetched_at: float | None = None
        self._refresh_at = float("-inf")
        self._tried_at = float("-inf")
        self._asked_for_unknown_at = float("-inf")
        self._unknown_answered = True
        self._loaded = 0
        self._flights: SingleFlight[None] = SingleFlight()

    def is_current(self, kid: str, key: PublicKey) -> bool:
        """Whether this is the key with this id, and the set need not be refreshed yet."""
        return self._clock() < self._refresh_at and self._keys.get(kid) is key

    async def get(self, kid: str) -> PublicKey | None:
        """The key with this id; None where the project has none.

        Raises:
            UnavailableError: there are no keys, or nobody can say whether this one is new.
        """
        arrival = self._flights.ticket()
        await self._keep_fresh()
        return self._keys.get(kid) or await self._look_for(kid, arrival)

    async def aclose(self) -> None:
        """End a fetch that is in the air on this event loop; the keys stay."""
        await self._flights.aclose()

    async def _keep_fresh(self) -> None:
        now = self._clock()
        if self._fetched_at is None:
            await self._refresh()
        elif now >= self._refresh_at and (
            self._flights.in_the_air(_FLIGHT) or now - self._tried_at >= self._cooldown
        ):
            flight, _ = self._flights.join(_FLIGHT, self._load)
            if now - self._fetched_at >= self._ttl:
                with suppress(UnavailableError):  # the keys that we have are as good as they were
                    await flight.result()

    async def _look_for(self, kid: str, arrival: int) -> PublicKey | None:
        if self._loaded > arrival:  # the set is younger than the question
            return None
        now = self._clock()
        if now - self._asked_for_unknown_at >= self._cooldown:
            self._asked_for_unknown_at = now
            self._unknown_answered = False
            # A fetch that began before now may have missed this key.
            await self._refresh(not_before=self._flights.ticket())
        elif self._flights.in_the_air(_FLIGHT):
            await self._refresh()
        if not self._unknown_answered:
            raise StackUnavailableError("the key set could not be refreshed")
        return self._keys.get(kid)

    async def _refresh(self, *, not_before: int = 0) -> None:
        flight, _ = self._flights.join(_FLIGHT, self._load, not_before=not_before)
        await flight.result()

    async def _load(self, ticket: int) -> None:
        self._tried_at = asked_at = self._clock()
        found = dict(_read_keys(await self._fetch()))
        if not found:
            raise StackUnavailableError("the key set holds no usable key")
        if ticket < self._loaded:  # overtaken by a younger answer
            return
        self._loaded = ticket
        # A key that stays the same stays the same object: remembered verdicts depend on it.
        self._keys = {
            kid: old if (old := self._keys.get(kid)) and old.coordinates == key.coordinates else key
            for kid, key in found.items()
        }
        self._fetched_at = asked_at
        self._unknown_answered = True
        self._refresh_at = asked_at + self._ttl * _REFRESH_AT


def _read_keys(document: object) -> Iterator[tuple[str, PublicKey]]:
    """The usable keys of a JWKS document (RFC 7517, section 5: others are to be ignored)."""
    listed = document.get("keys") if isinstance(document, dict) else None
    for jwk in listed if isinstance(listed, list) else ():
        if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str):
            key = _read_key(jwk)
            if key is not None:
                yield jwk["kid"], key


def _read_key(jwk: Mapping[str, Any]) -> PublicKey | None:
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or jwk.get("use", "sig") != "sig":
        return None
    x, y = jwk.get("x"), jwk.get("y")
    if not isinstance(x, str) or not isinstance(y, str):
        return None
    try:
        key = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})
        key.get_op_key("verify")  # builds the point, and so proves that it lies on the curve
    except (JoseError, ValueError):
        return None
    return PublicKey((x, y), key)
