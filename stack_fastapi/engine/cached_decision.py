"""A decision that is good for many requests: what one look finds where everything is known.

It says nothing that the slow way would not say: it is put together from what that way found, and
is dropped whole when anything is evicted, the keys change, the token or the user's lifetime ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stack_fastapi.cache import Validity
from stack_fastapi.engine.starlette_user import UserCredentials
from stack_fastapi.models import AccessTokenClaims, User

if TYPE_CHECKING:
    from stack_fastapi.engine.parts import Parts


#: In how many teams at once the permissions are kept beside one token.
_MOST_TEAMS = 32


class Basis(NamedTuple):
    """What a decision for many requests stands on.

    Attributes:
        state: the evictions' state before anything was looked up.
        keys_until: the monotonic time until which the token's key is known to be published.
        user: how long the user is good.
    """

    state: int
    keys_until: float
    user: Validity


class CachedDecision:
    """What is decided about every request that carries a certain token, or none.

    Args:
        owner: the engine whose decision it is.
        parts: where things are looked up.
        admitted: the user whom the settings admit; None for a guest.
        claims: what their token says.
        digest: of the token.
        basis: what it was put together from; None for a guest.

    Attributes:
        auth: Starlette's ``request.auth``; None for a guest, who gets one of their own.
    """

    __slots__ = (
        "_basis",
        "_held",
        "_parts",
        "admitted",
        "auth",
        "claims",
        "digest",
        "owner",
    )

    def __init__(
        self,
        owner: object,
        parts: Parts,
        admitted: User | None = None,
        claims: AccessTokenClaims | None = None,
        digest: bytes = b"",
        basis: Basis | None = None,
    ) -> None:
        self.owner = owner
        self._parts = parts
        self.admitted = admitted
        self.claims = claims
        self.digest = digest
        self._basis = basis
        self.auth = None if admitted is None else UserCredentials(admitted, self._cached)
        self._held: dict[str | None, tuple[frozenset[str], Validity]] | None = None

    def holds(self, state: int, now: float) -> bool:
        """Whether it is still what the slow way would say, but for the token's own times.

        Args:
            state: that of the evictions.
            now: monotonic time in seconds.
        """
        basis = self._basis
        return (
            basis is not None
            and basis.state == state
            and now < basis.keys_until
            and basis.user.holds(now)
        )

    def cached_permissions(self, team_id: str | None) -> frozenset[str] | None:
        """What the user is known to hold, in a team or in the project; None says nothing."""
        store, user, basis = self._parts.store, self.admitted, self._basis
        if user is None or basis is None or basis.state != store.evictions.state:
            return None  # a guest, or something was evicted meanwhile
        held = None if self._held is None else self._held.get(team_id)
        if held is not None and held[1].holds(store.clocks.monotonic()):
            return held[0]
        found = self._parts.permissions.cached_validity(user.id, team_id)
        if found is None or not found[0]:
            return None
        self._held = {**self._good(store.clocks.monotonic()), team_id: found}
        return found[0]

    def _good(self, now: float) -> dict[str | None, tuple[frozenset[str], Validity]]:
        """What is still good, if that is not too much to keep for one token."""
        good = {id_: held for id_, held in (self._held or {}).items() if held[1].holds(now)}
        return good if len(good) < _MOST_TEAMS else {}

    def _cached(self, user: User) -> frozenset[str] | None:
        return self._parts.permissions.cached(user.id)
