"""What the kit adds to a request whose token it knows, and to one without a token."""

from __future__ import annotations

from functools import partial

from benchmarks.apps import engine_for, plain_app, protected_app, signed_in
from benchmarks.measuring import fastest, micros_each
from benchmarks.targets import Measured, Results
from stack_fastapi.emulator import StackEmulator

ROUNDS = 150
REQUESTS = 100

#: What is compared with what: names of the turns below.
_PAIRS = {
    "user": ("user", "nothing"),
    "permission": ("permission", "nothing"),
    "team": ("team", "nothing, with an id"),
    "public": ("public", "public, without"),
}


async def measure() -> Results:
    """The ratios of four routes."""
    stack = StackEmulator()
    alice = signed_in(stack)
    known, guest = [alice.token] * REQUESTS, [None] * REQUESTS
    team_path = f"/teams/{next(iter(stack.project.teams))}"
    async with engine_for(stack) as auth:
        plain, protected = plain_app(), protected_app(auth)
        turns = {
            "nothing": partial(micros_each, plain, "/user", known),
            "user": partial(micros_each, protected, "/user", known),
            "permission": partial(micros_each, protected, "/permission", known),
            "nothing, with an id": partial(micros_each, plain, team_path, known),
            "team": partial(micros_each, protected, team_path, known),
            "public, without": partial(micros_each, plain, "/public", guest),
            "public": partial(micros_each, protected, "/public", guest),
        }
        best = await fastest(turns, ROUNDS)
    return {row: _ratio(best[one], best[other]) for row, (one, other) in _PAIRS.items()}


def _ratio(one: float, other: float) -> Measured:
    how = f"{one:.1f} to {other:.1f} µs; {ROUNDS} rounds of {REQUESTS} requests"
    return Measured(one / other, how)
