"""How much memory a user takes who is known with one token."""

from __future__ import annotations

import gc
import json
import tracemalloc

from benchmarks.apps import engine_for, protected_app
from benchmarks.measuring import micros_each
from benchmarks.targets import Measured, Results
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.testing import SignedIn, sign_in

USERS = 1_000
#: So that what is made once is made before it is measured.
FIRST = 100


async def measure() -> Results:
    """What is allocated and stays, for each user."""
    stack = StackEmulator()
    people = [_person(stack, number) for number in range(FIRST + USERS)]
    async with engine_for(stack) as auth:
        app = protected_app(auth)
        await micros_each(app, "/user", [who.token for who in people[:FIRST]])
        stack.requests.clear()  # the local Stack's memory is not the kit's
        gc.collect()
        tracemalloc.start()
        await micros_each(app, "/user", [who.token for who in people[FIRST:]])
        stack.requests.clear()
        gc.collect()
        allocated, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    record = len(json.dumps(stack.user_json(people[0].user.id)))
    how = f"{USERS:,} users with a name and an address, {record / 1024:.1f} KiB of JSON each; once"
    return {"memory": Measured(allocated / USERS / 1024, how)}


def _person(stack: StackEmulator, number: int) -> SignedIn:
    return sign_in(stack, primary_email=f"user-{number}@example.com", display_name=f"User {number}")
