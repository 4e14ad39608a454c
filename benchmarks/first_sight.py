"""What a token costs that was not seen before, where its user is known."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.apps import engine_for, protected_app, signed_in
from benchmarks.measuring import fastest, micros_each
from benchmarks.targets import Measured, Results
from stack_fastapi import StackAuth
from stack_fastapi.emulator import StackEmulator

ROUNDS = 60
TOKENS = 20


async def measure() -> Results:
    """How many verifications of a signature it takes."""
    stack = StackEmulator()
    alice = signed_in(stack)
    # Each of them is used once: half in a request, half by itself.
    tokens = iter([stack.issue_token(alice.user.id) for _ in range(2 * ROUNDS * TOKENS)])
    async with engine_for(stack) as auth:
        app = protected_app(auth)
        await micros_each(app, "/user", [alice.token] * 2)

        async def unseen() -> float:
            return await micros_each(app, "/user", [*islice(tokens, TOKENS)])

        async def warm() -> float:
            return await micros_each(app, "/user", [alice.token] * TOKENS)

        async def verified() -> float:
            return await _verification(auth, tokens)

        signature = _Signature(alice.token)

        async def raw() -> float:
            return signature.micros()

        turns = {"unseen": unseen, "warm": warm, "verified": verified, "raw": raw}
        best = await fastest(turns, ROUNDS)
    more = best["unseen"] - best["warm"]
    how = (
        f"{more:.0f} to {best['raw']:.0f} µs, of them {best['verified']:.0f} in "
        f"`StackAuth.verify`; {ROUNDS} rounds of {TOKENS} tokens"
    )
    return {"first_sight": Measured(more / best["raw"], how)}


async def _verification(auth: StackAuth, tokens: Iterator[str]) -> float:
    unseen = [*islice(tokens, TOKENS)]
    began = time.perf_counter()
    for token in unseen:
        await auth.verify(token)
    return (time.perf_counter() - began) / TOKENS * 1e6


class _Signature:
    """What a token's signature is about, with a key of our own: any key costs the same."""

    def __init__(self, token: str) -> None:
        self._signed = token.rpartition(".")[0].encode()
        key = derive_private_key(2**200 + 1, SECP256R1())
        self._scheme = ECDSA(SHA256())
        self._signature = key.sign(self._signed, self._scheme)
        self._key: Any = key.public_key()

    def micros(self) -> float:
        began = time.perf_counter()
        for _ in range(TOKENS):
            self._key.verify(self._signature, self._signed, self._scheme)
        return (time.perf_counter() - began) / TOKENS * 1e6
