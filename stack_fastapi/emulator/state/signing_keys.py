"""A project's signing keys: real ones, two for each kind of user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeyParameters

from stack_fastapi.emulator.state.entropy import Entropy
from stack_fastapi.emulator.state.user_kind import UserKind

KEYS_PER_KIND = 2
Jwk = dict[str, str]


class SigningKeys:
    """The keys that access tokens of one project are signed with.

    Args:
        entropy: Makes the key ids. The keys themselves come from the cryptography library.
    """

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._keys = {kind: self._new_keys() for kind in UserKind}

    def signer(self, kind: UserKind) -> ECKey:
        """The key that signs new tokens of this kind of user."""
        return self._keys[kind][0]

    def find(self, kind: UserKind, key_id: object) -> ECKey | None:
        """The published key with this id; None if this kind of user has no such key."""
        return next((key for key in self._keys[kind] if key.kid == key_id), None)

    def published(self, kinds: Iterable[UserKind]) -> list[Jwk]:
        """Public keys as a key set lists them."""
        return [_public(key) for kind in kinds for key in self._keys[kind]]

    def rotate(self, *, keep_old: bool) -> None:
        """Sign with new keys from now on.

        Args:
            keep_old: Whether the keys so far stay published, so that tokens in use stay good.
        """
        for kind, keys in self._keys.items():
            self._keys[kind] = self._new_keys() + (keys if keep_old else [])

    def dump(self) -> dict[str, list[Jwk]]:
        """All keys with their secrets, by kind of user, to be saved."""
        return {
            kind.name.lower(): [_jwk(key, private=True) for key in keys]
            for kind, keys in self._keys.items()
        }

    def restore(self, saved: Mapping[str, list[Jwk]]) -> None:
        """Use saved keys from now on.

        Raises:
            ValueError: A kind of user has none, or one is no key.
        """
        restored = {kind: _imported(saved.get(kind.name.lower(), [])) for kind in UserKind}
        if not all(restored.values()):
            raise ValueError("Every kind of user needs a signing key.")
        self._keys = restored

    def _new_keys(self) -> list[ECKey]:
        return [self._new_key() for _ in range(KEYS_PER_KIND)]

    def _new_key(self) -> ECKey:
        parameters: KeyParameters = {"kid": self._entropy.key_id(), "alg": "ES256"}
        return ECKey.generate_key("P-256", parameters, private=True)


def _public(key: ECKey) -> Jwk:
    return _jwk(key, private=False)


def _jwk(key: ECKey, *, private: bool) -> Jwk:
    fields, names = key.as_dict(private=private), ("kty", "crv", "alg", "kid", "x", "y", "d")
    return {name: str(fields[name]) for name in names if name in fields}


def _imported(saved: list[Jwk]) -> list[ECKey]:
    """Keys that were saved.

    Raises:
        ValueError: One is no private key. The message does not quote it.
    """
    try:
        keys = [ECKey.import_key(dict(jwk)) for jwk in saved]
    except (JoseError, ValueError, TypeError):
        keys = []
    if not all(key.is_private for key in keys) or len(keys) != len(saved):
        raise ValueError("A saved signing key is no private key.")
    return keys
