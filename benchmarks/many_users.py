"""Whether a warm request costs more where many users are in memory."""

from __future__ import annotations

import random
from collections.abc import Sequence

from benchmarks.apps import engine_for, protected_app
from benchmarks.measuring import fastest, micros_each
from benchmarks.targets import Measured, Results
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.testing import sign_in

MANY, FEW = 20_000, 10
ROUNDS = 100
REQUESTS = 200


async def measure() -> Results:
    """The ratio; requests come from any of the users, in no order."""
    stack = StackEmulator()
    tokens = [sign_in(stack, primary_email=f"user-{n}@example.com").token for n in range(MANY)]
    chance = random.Random(0)  # noqa: S311 - the same order each time

    def drawn(known: Sequence[str]) -> list[str]:
        return chance.choices(known, k=REQUESTS)

    async with engine_for(stack, 2 * MANY) as many, engine_for(stack, 2 * MANY) as few:
        crowded, quiet = protected_app(many), protected_app(few)
        await micros_each(crowded, "/user", tokens)
        await micros_each(quiet, "/user", tokens[:FEW])

        async def crowd() -> float:
            return await micros_each(crowded, "/user", drawn(tokens))

        async def handful() -> float:
            return await micros_each(quiet, "/user", drawn(tokens[:FEW]))

        best = await fastest({"many": crowd, "few": handful}, ROUNDS)
    how = f"{best['many']:.1f} to {best['few']:.1f} µs; {ROUNDS} rounds of {REQUESTS} requests"
    return {"many_users": Measured(best["many"] / best["few"], how)}
