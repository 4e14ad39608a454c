"""Step 2 of 5, its keys: the project's public keys by key id.

The set is fetched once, refreshed behind the scenes before it is stale, and asked for again where
a token names a key that is not in it: a few times at once, then once in a cool-down, for anybody
can invent key ids. Keys are replaced by a good response only; a failed, empty or malformed one
leaves them as they are.

"There is no such key" is said only of a key id that Stack was asked about. While it cannot be
asked, nobody knows, and that is not the caller's fault.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from stack_fastapi.cache import Entry, Kind, MemoryCache, Store
from stack_fastapi.exceptions import StackUnavailableError, UnavailableError
from stack_fastapi.types import Arrival

#: The share of its lifetime after which a key set is refreshed without anybody waiting for it.
_REFRESH_AT = 0.8
#: How many key ids may be asked about at once; each cool-down allows one more.
BURST = 3
#: How many key ids that are in no set are remembered for a cool-down.
_NAMED_SIZE = 1000
_KEY = "jwks"

Keys = Mapping[str, "PublicKey"]


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
        store: keeps the response.
        ttl: lifetime of a fetched set, in seconds.
        cooldown: after so many seconds one more unknown key id may be asked about, and a refresh
            that failed is tried again.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[object]], store: Store, *, ttl: float, cooldown: float
    ) -> None:
        self._fetch = fetch
        self._store = store
        self._clock = store.clocks.monotonic
        self._refresh_after = ttl * _REFRESH_AT
        kind: Kind[Keys] = Kind(
            _KEY,
            ttl,
            stale_if_error=inf,
            lives_through=(UnavailableError,),
            retry_after=cooldown,
            refresh_after=self._refresh_after,
            is_basis=True,
        )
        self._sets = store.lookup(kind)
        self._budget = _Budget(BURST, cooldown)
        self._cooldown = cooldown
        # When a key id that is in no set was first named: a set that was asked for since then says
        # whether there is such a key.
        self._named: MemoryCache[int] = MemoryCache(_NAMED_SIZE, self._clock)

    def fresh_until(self, kid: str, key: PublicKey) -> float:
        """The monotonic time until which this is the key with this id; in the past if it is not."""
        entry = self._sets.known(_KEY)
        if entry is None or entry.value.get(kid) is not key:
            return -inf
        return entry.asked_at + self._refresh_after

    async def get(self, kid: str) -> PublicKey | None:
        """The key with this id; None where the project has none.

        Raises:
            UnavailableError: there are no keys, or nobody can say whether this one is new.
        """
        current = self._sets.cached(_KEY)
        if current is not None and kid in current.value and self._is_young(current):
            return current.value[kid]
        arrival = self._store.arrival()
        entry = await self._sets.get(_KEY, (), self._load, arrival)
        return entry.value.get(kid) or await self._look_for(kid, entry, arrival)

    def _is_young(self, entry: Entry[Keys]) -> bool:
        return self._clock() - entry.asked_at < self._refresh_after

    async def _look_for(self, kid: str, entry: Entry[Keys], arrival: Arrival) -> PublicKey | None:
        """A key that is not in the set as it was fetched."""
        # What is in flight already may have missed this key; if so, Stack is asked once more.
        entry = await self._sets.newest(_KEY) or entry
        if kid in entry.value:
            return entry.value[kid]
        named = self._named.get(kid)
        if named is None:
            named = arrival.sequence
            self._named.set(kid, named, self._cooldown)
        if entry.sequence < named:
            self._spend()
            entry = await self._sets.get(_KEY, (), self._load, arrival, max_age=0)
        return entry.value.get(kid)

    def _spend(self) -> None:
        wait = self._budget.take(self._clock())
        if wait > 0:
            raise StackUnavailableError(
                "a token names a key that is not in the key set, which was fetched a moment ago "
                "because of others like it",
                retry_after=wait,
            )

    async def _load(self) -> Keys:
        found = dict(_read_keys(await self._fetch()))
        if not found:
            raise StackUnavailableError("the key set holds no usable key")
        # A key that stays the same stays the same object: remembered verdicts depend on it.
        known = self._sets.known(_KEY)
        old = {} if known is None else known.value
        return {
            kid: before
            if (before := old.get(kid)) and before.coordinates == key.coordinates
            else key
            for kid, key in found.items()
        }


class _Budget:
    """How often something may happen: a few times at once, then once in an interval."""

    def __init__(self, burst: int, interval: float) -> None:
        self._burst = burst
        self._interval = interval
        self._spent_until = -inf  # when all of it is there again

    def take(self, now: float) -> float:
        """Take one: 0 if there was one, else the seconds until there is."""
        full_again = max(self._spent_until, now) + self._interval
        wait = full_again - now - self._burst * self._interval
        if wait > 0:
            return wait
        self._spent_until = full_again
        return 0.0


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
