"""What Stack answered: asked once, kept for a lifetime, and never what was evicted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given, strategies as st
from stored import LONGEST_FLIGHT, STALE, TTL, Texts, turn

from stack_fastapi import StackConfigurationError, StackUnavailableError, UnavailableError
from stack_fastapi.cache import Kind, Lookup
from stack_fastapi.cache.store import TOO_LARGE_TTL
from stack_fastapi.exceptions import ResponseTooLargeError

# ---------------------------------------------------------------- asked once, for a lifetime


async def test_it_asks_once_in_a_lifetime() -> None:
    texts = Texts()
    for _ in range(3):
        assert await texts.get() == "first"
    texts.advance(TTL - 1)
    assert texts.cached() == "first"
    texts.advance(1)
    assert texts.cached() is None
    assert await texts.get() == "first"
    assert texts.requests == 2


async def test_a_lifetime_counts_from_the_request_and_not_from_its_response() -> None:
    texts = Texts()
    task = await texts.held()
    texts.advance(TTL)
    texts.release()
    assert await task == "first"
    assert texts.cached() is None


async def test_all_who_come_while_it_asks_wait_for_one_response() -> None:
    texts = Texts()
    texts.gate = asyncio.Event()
    tasks = [asyncio.create_task(texts.get()) for _ in range(100)]
    await asyncio.sleep(0)
    texts.release()
    assert set(await asyncio.gather(*tasks)) == {"first"}
    assert texts.requests == 1


@pytest.mark.parametrize(
    ("age", "max_age", "requests"), [(5, 5, 2), (4, 5, 1), (0, 0, 2), (30, 40, 1), (59, None, 1)]
)
async def test_max_age_counts_from_the_arrival(
    age: float, max_age: float | None, requests: int
) -> None:
    texts = Texts()
    await texts.get()
    texts.advance(age)
    await texts.get(max_age=max_age)
    assert texts.requests == requests


async def test_what_was_asked_for_since_the_arrival_satisfies_every_max_age() -> None:
    texts = Texts()
    arrival = texts.store.arrival()
    first = await texts.entry()
    texts.advance(TTL - 1)
    assert await texts.entry(max_age=0, arrival=arrival) == first
    assert texts.requests == 1


async def test_where_the_clock_is_too_coarse_the_order_decides() -> None:
    """Response and arrival in the same instant: what was asked before is not asked since."""
    texts = Texts()
    first = await texts.entry()
    later = texts.store.arrival()
    second = await texts.entry(max_age=0, arrival=later)
    assert first.asked_at == later.at == second.asked_at
    assert first.sequence < later.sequence < second.sequence
    assert texts.requests == 2


@pytest.mark.parametrize(
    ("max_age", "requests"),
    [(0, 2), (LONGEST_FLIGHT, 2), (LONGEST_FLIGHT + 1, 1), (None, 1)],
)
async def test_what_is_in_flight_may_be_too_old(max_age: float | None, requests: int) -> None:
    texts = Texts()
    first = await texts.held()
    second = asyncio.create_task(texts.get(max_age=max_age))
    await turn()
    texts.release()
    await asyncio.gather(first, second)
    assert texts.requests == requests


async def test_requests_that_came_before_one_began_share_it_whatever_their_max_age() -> None:
    texts = Texts()
    arrivals = [texts.store.arrival() for _ in range(10)]
    texts.gate = asyncio.Event()
    tasks = [asyncio.create_task(texts.entry(max_age=0, arrival=arrival)) for arrival in arrivals]
    await turn()
    texts.release()
    await asyncio.gather(*tasks)
    assert texts.requests == 1


async def test_a_failure_reaches_who_waited_and_nobody_after() -> None:
    texts = Texts()
    texts.error = LookupError()
    tasks = [await texts.held(), asyncio.create_task(texts.get())]
    await turn()
    texts.release()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LookupError] * 2
    texts.error = None
    assert await texts.get() == "first"
    assert texts.requests == 2


async def test_a_caller_who_leaves_takes_no_response_away() -> None:
    texts = Texts()
    task = await texts.held()
    task.cancel()
    await turn()
    texts.release()
    await turn()
    assert texts.cached() == "first"


async def test_closing_ends_what_is_in_flight_and_keeps_what_is_cached() -> None:
    texts = Texts()
    await texts.get("known")
    task = await texts.held()
    await texts.store.aclose()
    with pytest.raises(StackUnavailableError):
        await task
    assert texts.cached("known") == "first"


async def test_the_newest_is_what_is_in_flight() -> None:
    texts = Texts()
    assert await texts.lookup.newest("key") is None
    task = await texts.held()
    newest = asyncio.create_task(texts.lookup.newest("key"))
    await turn()
    assert not newest.done()
    texts.release()
    entry = await newest
    assert entry is not None
    assert entry.value == await task
    assert await texts.lookup.newest("key") is None
    assert texts.requests == 1


# ---------------------------------------------------------------- a bounded memory, two rooms


async def test_no_more_is_kept_than_the_size_allows() -> None:
    texts = Texts(size=5)
    for number in range(50):
        await texts.get(f"{number}")
    known = [number for number in range(50) if texts.cached(f"{number}")]
    assert known == [45, 46, 47, 48, 49]


async def test_invented_keys_push_out_no_real_ones() -> None:
    texts = Texts(size=5)
    await texts.get("real")
    texts.value = "nothing"
    for number in range(50):
        await texts.get(f"invented {number}")
    assert texts.cached("real") == "first"
    assert texts.cached("invented 49") == "nothing"
    assert texts.cached("invented 1") is None  # bounded, too


async def test_a_thing_that_appears_or_disappears_is_known_as_one_of_both() -> None:
    texts = Texts()
    for value in ("nothing", "second", "nothing", "third"):
        texts.value = value
        texts.advance(1)
        assert await texts.get(max_age=0) == value
        assert texts.cached() == value


@pytest.mark.parametrize("overtaking", ["second", "nothing"])
@pytest.mark.parametrize("overtaken", ["first", "nothing"])
async def test_a_response_that_was_overtaken_is_given_to_its_caller_and_not_kept(
    overtaken: str, overtaking: str
) -> None:
    texts = Texts()
    texts.value = overtaken
    slow = await texts.held()
    held = texts.no_more()
    texts.value = overtaking
    assert await texts.get(max_age=0) == overtaking
    held.set()
    assert await slow == overtaken
    assert texts.cached() == overtaking


# ---------------------------------------------------------------- evictions


@pytest.mark.parametrize("subject", ["key", "about first"])
async def test_what_was_evicted_is_asked_for_again(subject: str) -> None:
    texts = Texts()
    await texts.get()
    await texts.store.evict("another")
    assert texts.cached() == "first"
    await texts.store.evict(subject)
    assert texts.cached() is None
    texts.value = "second"
    assert await texts.get() == "second"
    assert texts.cached() == "second"


async def test_an_eviction_is_for_every_kind_of_request() -> None:
    texts = Texts()
    other: Lookup[str] = texts.store.lookup(Kind("other", TTL))
    await other.get("their key", ("key",), texts.request, texts.store.arrival())
    await texts.store.evict("key", "something else")
    assert other.cached("their key") is None


async def test_what_is_in_flight_when_it_is_evicted_is_not_kept_and_not_joined() -> None:
    texts = Texts()
    first = await texts.held()
    await texts.store.evict("key")
    texts.value = "second"
    second = await texts.held()
    texts.release()
    assert [await first, await second] == ["first", "second"]
    assert texts.cached() == "second"


async def test_what_turns_out_to_be_about_something_evicted_is_not_kept() -> None:
    texts = Texts()
    task = await texts.held()
    await texts.store.evict("about first")
    texts.release()
    assert await task == "first"  # who asked before may have it
    assert texts.cached() is None


async def test_what_turns_out_to_be_about_something_evicted_answers_nobody_who_came_after() -> None:
    """The owner of a key is known from the response alone: a request after it joins in vain."""
    texts = Texts()
    before = await texts.held()
    await texts.store.evict("about first")
    texts.value = "second"
    after = [asyncio.create_task(texts.get()) for _ in range(5)]
    await turn()
    assert texts.requests == 1  # nobody can know yet
    texts.release()
    assert await before == "first"
    assert await asyncio.gather(*after) == ["second"] * 5
    assert texts.requests == 2
    assert texts.cached() == "second"


async def test_each_of_several_evictions_counts_for_who_came_after_it() -> None:
    texts = Texts(subjects_of=lambda _text: ("owner",))
    first = await texts.held()
    await texts.store.evict("owner")
    texts.value, held = "second", texts.no_more()
    texts.gate = asyncio.Event()
    second = asyncio.create_task(texts.get())
    await turn()
    texts.reached.clear()
    held.set()
    await texts.reached.wait()  # the second one asks for itself
    await texts.store.evict("owner")
    texts.value = "third"
    third = asyncio.create_task(texts.get())
    await turn()
    assert texts.requests == 2
    texts.release()
    assert [await first, await second, await third] == ["first", "second", "third"]
    assert texts.requests == 3
    assert texts.cached() == "third"


async def test_a_second_eviction_does_not_hide_the_first_from_who_came_between_them() -> None:
    texts = Texts()
    before = await texts.held()
    await texts.store.evict("about first")
    between = asyncio.create_task(texts.get())
    await turn()
    await texts.store.evict("about first")
    texts.value, held = "second", texts.no_more()
    held.set()
    assert [await before, await between] == ["first", "second"]
    assert texts.requests == 2


async def test_an_eviction_of_something_else_meanwhile_costs_nothing() -> None:
    texts = Texts()
    before = await texts.held()
    await texts.store.evict("about second")
    after = asyncio.create_task(texts.get())
    await turn()
    texts.release()
    assert [await before, await after] == ["first", "first"]
    assert texts.requests == 1
    assert texts.cached() == "first"


async def test_too_many_evictions_forget_too_much_and_never_too_little() -> None:
    texts = Texts(size=3)
    await texts.get()
    await texts.store.evict("key")
    for number in range(10):
        await texts.store.evict(f"subject {number}")
    assert texts.cached() is None
    await texts.get()
    assert texts.cached() == "first"
    assert len(texts.store.evictions._marks) <= 3


async def test_an_overflow_of_evictions_evicts_what_is_in_flight_as_well() -> None:
    texts = Texts(size=3)
    before = await texts.held()
    for number in range(10):
        await texts.store.evict(f"subject {number}")
    after = asyncio.create_task(texts.get())
    await turn()
    texts.release()
    assert [await before, await after] == ["first", "first"]
    assert texts.requests == 2


async def test_an_overflow_of_evictions_spares_what_is_about_nobody() -> None:
    texts = Texts(size=3, subjects_of=lambda _text: ())
    await texts.lookup.get("keys", (), texts.request, texts.store.arrival())
    for number in range(10):
        await texts.store.evict(f"subject {number}")
    assert texts.cached("keys") == "first"


# ---------------------------------------------------------------- what was put together


async def test_each_eviction_changes_the_state() -> None:
    texts = Texts(size=3)
    states = [texts.store.evictions.state]
    for subject in ("a", "a", "b", "c", "d", "e"):
        await texts.store.evict(subject)
        states.append(texts.store.evictions.state)
    assert all(before < after for before, after in pairwise(states))


async def test_the_state_stays_while_nothing_is_evicted() -> None:
    texts = Texts()
    before = texts.store.evictions.state
    await texts.get()
    await texts.get(max_age=0)
    assert texts.store.evictions.state == before


async def test_a_new_response_that_others_are_judged_by_changes_the_state() -> None:
    texts = Texts(is_basis=True)
    before = texts.store.evictions.state
    for _ in range(2):  # nothing was built on what was not there, nor is on what stays the same
        await texts.get(max_age=0)
        assert texts.store.evictions.state == before
    texts.value = "second"
    await texts.get(max_age=0)
    assert texts.store.evictions.state > before


async def test_whoever_sees_the_new_state_sees_the_new_response() -> None:
    """Another thread may look between the two: the old one must not be built upon again."""
    texts = Texts(is_basis=True)
    await texts.get()
    texts.value = "second"
    seen: list[str | None] = []
    disturb = texts.store.evictions.disturb

    class Watched(type(texts.store.evictions)):  # type: ignore[misc] # a class of this instance
        def disturb(self) -> None:
            seen.append(texts.cached())
            disturb()

    texts.store.evictions.__class__ = Watched
    await texts.get(max_age=0)
    assert seen == ["second"]


async def test_a_response_that_was_overtaken_changes_no_state() -> None:
    texts = Texts(is_basis=True)
    slow = await texts.held()
    held = texts.no_more()
    await texts.get(max_age=0)
    state = texts.store.evictions.state
    held.set()
    await slow
    assert texts.store.evictions.state == state


# ---------------------------------------------------------------- stale where Stack cannot say

DOWN = StackUnavailableError("down")


async def test_what_is_stale_is_taken_in_an_outage_for_a_while_and_not_longer() -> None:
    texts = Texts(stale_if_error=STALE)
    await texts.get()
    texts.error = DOWN
    texts.advance(TTL)
    for _ in range(2):
        assert await texts.get() == "first"
    assert texts.requests == 3  # Stack is asked each time
    texts.advance(STALE - 1)
    assert await texts.get() == "first"
    texts.advance(1)
    with pytest.raises(StackUnavailableError):
        await texts.get()


async def test_what_is_stale_is_not_taken_where_stack_can_say() -> None:
    texts = Texts(stale_if_error=STALE)
    await texts.get()
    texts.advance(TTL)
    assert texts.cached() is None
    entry = texts.lookup.known("key")
    assert entry is not None
    texts.value = "second"
    assert await texts.get() == "second"


async def test_without_a_time_for_it_nothing_stale_is_taken() -> None:
    texts = Texts()
    await texts.get()
    texts.error = DOWN
    texts.advance(TTL)
    with pytest.raises(StackUnavailableError):
        await texts.get()


async def test_that_there_was_nothing_is_not_taken_stale() -> None:
    texts = Texts(stale_if_error=STALE)
    texts.value = "nothing"
    await texts.get()
    texts.error = DOWN
    texts.advance(TTL)
    with pytest.raises(StackUnavailableError):
        await texts.get()


@pytest.mark.parametrize(
    ("error", "lives_on"),
    [(DOWN, True), (StackConfigurationError("X"), False), (LookupError(), False)],
)
async def test_what_is_stale_is_taken_in_the_failures_that_are_named(
    *, error: Exception, lives_on: bool
) -> None:
    texts = Texts(stale_if_error=STALE)
    await texts.get()
    texts.error = error
    texts.advance(TTL)
    if lives_on:
        assert await texts.get() == "first"
    else:
        with pytest.raises(type(error)):
            await texts.get()


@pytest.mark.parametrize("max_age", [0, TTL, 2 * TTL, inf])
async def test_nothing_stale_is_taken_where_an_age_is_given(max_age: float) -> None:
    texts = Texts(stale_if_error=STALE)
    await texts.get()
    texts.error = DOWN
    texts.advance(TTL + 1)
    with pytest.raises(StackUnavailableError):
        await texts.get(max_age=max_age)


@pytest.mark.parametrize("subject", ["key", "about first"])
async def test_what_is_evicted_while_stack_fails_is_not_taken_stale(subject: str) -> None:
    texts = Texts(stale_if_error=STALE)
    await texts.get()
    texts.error = DOWN
    texts.advance(TTL)
    task = await texts.held()
    await texts.store.evict(subject)
    texts.release()
    with pytest.raises(StackUnavailableError):
        await task


async def test_a_failure_of_old_does_not_outlive_a_response() -> None:
    texts = Texts(stale_if_error=STALE, retry_after=30)
    await texts.get()
    texts.advance(TTL)
    texts.error = DOWN
    slow = await texts.held()
    texts.error, held = None, texts.no_more()
    texts.value = "second"
    assert await texts.get(max_age=0) == "second"
    held.set()
    assert await slow == "second"  # newer than what it asked for, and known by then
    assert texts.cached() == "second"


# ---------------------------------------------------------------- when to ask again


async def test_after_a_failure_stack_is_left_alone_for_a_while_where_what_is_stale_will_do() -> (
    None
):
    texts = Texts(stale_if_error=STALE, retry_after=30)
    await texts.get()
    texts.error = DOWN
    texts.advance(TTL)
    for _ in range(10):
        assert await texts.get() == "first"
    assert texts.requests == 2
    texts.advance(29)
    assert await texts.get() == "first"
    assert texts.requests == 2
    texts.advance(1)
    assert await texts.get() == "first"
    assert texts.requests == 3


async def test_after_a_failure_stack_is_asked_at_once_where_nothing_is_known() -> None:
    texts = Texts(stale_if_error=STALE, retry_after=30)
    texts.error = DOWN
    for _ in range(3):
        with pytest.raises(StackUnavailableError):
            await texts.get()
    assert texts.requests == 3


async def test_while_stack_is_left_alone_an_age_is_not_proven() -> None:
    texts = Texts(stale_if_error=STALE, retry_after=30)
    await texts.get()
    texts.error = DOWN
    texts.advance(TTL)
    await texts.get()
    with pytest.raises(StackUnavailableError):
        await texts.get(max_age=0)
    assert texts.requests == 2


async def test_a_response_is_renewed_in_the_background_before_its_time_is_over() -> None:
    texts = Texts(refresh_after=50.0)
    await texts.get()
    texts.value = "second"
    texts.advance(49)
    await texts.get()
    await turn()
    assert texts.requests == 1
    texts.advance(1)
    texts.gate = asyncio.Event()
    for _ in range(5):
        assert await texts.get() == "first"  # nobody waits
    await turn()
    assert texts.requests == 2
    texts.release()
    await turn()
    assert texts.cached() == "second"
    texts.advance(49)
    assert await texts.get() == "second"
    assert texts.requests == 2


async def test_a_renewal_that_fails_is_noticed_by_nobody_and_not_repeated_at_once() -> None:
    texts = Texts(refresh_after=50.0, stale_if_error=STALE, retry_after=30.0)
    await texts.get()
    texts.error = DOWN
    texts.advance(50)
    for _ in range(3):
        assert await texts.get() == "first"
        await turn()
    assert texts.requests == 2
    texts.advance(30)
    assert await texts.get() == "first"
    await turn()
    assert texts.requests == 3


async def test_a_response_that_is_too_large_is_not_asked_for_again_at_once() -> None:
    texts = Texts()
    texts.error = ResponseTooLargeError()
    for _ in range(5):
        with pytest.raises(ResponseTooLargeError):
            await texts.get()
        with pytest.raises(ResponseTooLargeError):
            await texts.get(max_age=0)
    assert texts.requests == 1
    assert texts.lookup.known("key") is None
    texts.error = None
    assert await texts.get("another key") == "first"
    texts.advance(TOO_LARGE_TTL - 1)
    with pytest.raises(ResponseTooLargeError):
        await texts.get()
    texts.advance(1)
    assert await texts.get() == "first"


async def test_an_eviction_forgets_that_a_response_was_too_large() -> None:
    texts = Texts()
    texts.error = ResponseTooLargeError()
    with pytest.raises(ResponseTooLargeError):
        await texts.get()
    await texts.store.evict("another")
    with pytest.raises(ResponseTooLargeError):
        await texts.get()
    assert texts.requests == 1
    await texts.store.evict("key")
    texts.error = None
    assert await texts.get() == "first"


async def test_an_eviction_during_a_request_forgets_that_its_response_was_too_large() -> None:
    texts = Texts()
    texts.error = ResponseTooLargeError()
    task = await texts.held()
    await texts.store.evict("key")
    texts.release()
    with pytest.raises(ResponseTooLargeError):
        await task
    texts.error = None
    assert await texts.get() == "first"


async def test_where_a_response_is_too_large_what_is_stale_will_do() -> None:
    texts = Texts(stale_if_error=STALE)
    await texts.get()
    texts.error = ResponseTooLargeError()
    texts.advance(TTL)
    for _ in range(5):
        assert await texts.get() == "first"
    assert texts.requests == 2


async def test_failures_that_are_remembered_are_bounded_like_all_else() -> None:
    texts = Texts(size=3)
    texts.error = ResponseTooLargeError()
    for number in range(10):
        with pytest.raises(ResponseTooLargeError):
            await texts.get(f"{number}")
    texts.error = None
    assert await texts.get("0") == "first"
    with pytest.raises(ResponseTooLargeError):
        await texts.get("9")


async def test_a_remembered_failure_does_not_collect_the_frames_of_those_who_hear_of_it() -> None:
    texts = Texts()
    texts.error = ResponseTooLargeError()
    depths = set()
    for _ in range(5):
        with pytest.raises(ResponseTooLargeError) as caught:
            await texts.get()
        depths.add(len(caught.traceback))
    assert len(depths) <= 2  # of the one who asked, and of all others


# ---------------------------------------------------------------- somebody else's credential


class RefusedError(Exception):
    """Stack refused the credential of a request."""


async def test_who_waited_for_a_request_that_was_refused_makes_one_of_their_own() -> None:
    texts = Texts(personal=(RefusedError,))
    gate = asyncio.Event()
    made: list[str] = []

    def request_of(name: str) -> Callable[[], Awaitable[str]]:
        async def request() -> str:
            made.append(name)
            await gate.wait()
            if name.startswith("bad"):
                raise RefusedError(name)
            return f"for {name}"

        return request

    async def ask(name: str) -> str:
        arrival = texts.store.arrival()
        return (await texts.lookup.get("key", ("key",), request_of(name), arrival)).value

    names = ["bad 1", "bad 2", "good", "bad 3"]
    tasks = [asyncio.create_task(ask(name)) for name in names]
    await turn()
    assert made == ["bad 1"]
    gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    # Each of the bad ones hears of its own refusal, or of what somebody else's good one found.
    assert [str(outcome) for outcome in outcomes[:3]] == ["bad 1", "bad 2", "for good"]
    assert str(outcomes[3]) == "for good"
    assert made == ["bad 1", "bad 2", "good"]


async def test_a_refusal_is_kept_for_nobody() -> None:
    texts = Texts(personal=(RefusedError,), stale_if_error=STALE)
    texts.error = RefusedError()
    with pytest.raises(RefusedError):
        await texts.get()
    texts.error = None
    assert await texts.get() == "first"
    texts.error = RefusedError()
    texts.advance(TTL)
    with pytest.raises(RefusedError):  # and nothing stale is taken for it
        await texts.get()


# ---------------------------------------------------------------- clocks


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("get"), st.sampled_from("ab")),
            st.tuples(st.just("evict"), st.sampled_from("ab")),
            st.tuples(st.just("change"), st.sampled_from("ab")),
            st.tuples(st.just("wait"), st.sampled_from([1.0, 30.0, 60.0])),
            st.tuples(st.just("set"), st.sampled_from([-3600.0, -1.0, 3600.0])),
        )
    )
)
def test_nobody_sees_what_is_older_than_a_lifetime_or_was_evicted(
    steps: list[tuple[str, str | float]],
) -> None:
    async def play() -> None:
        texts = Texts(size=2)
        truth = {"a": 0, "b": 0}
        #: The oldest value that may be seen, with the time at which it was replaced.
        replaced: dict[str, list[tuple[float, int]]] = {"a": [], "b": []}
        floor = {"a": 0, "b": 0}

        def reading(key: str) -> Callable[[], Awaitable[str]]:
            async def read() -> str:
                return str(truth[key])

            return read

        for what, value in steps:
            if isinstance(value, float):
                texts.wall.advance(value)
                texts.monotonic.advance(value if what == "wait" else 0)
            elif what == "change":
                replaced[value].append((texts.monotonic(), truth[value]))
                truth[value] += 1
            elif what == "evict":
                await texts.store.evict(value)
                floor[value] = truth[value]
            else:
                arrival = texts.store.arrival()
                entry = await texts.lookup.get(value, (value,), reading(value), arrival)
                seen = int(entry.value)
                too_old = [old for at, old in replaced[value] if texts.monotonic() - at >= TTL]
                assert seen not in too_old
                assert floor[value] <= seen <= truth[value]

    asyncio.run(play())


async def test_a_wall_clock_that_is_set_back_keeps_nothing_alive_and_proves_no_age() -> None:
    texts = Texts(stale_if_error=STALE)
    await texts.get()
    texts.wall.advance(-3600)
    texts.value = "second"
    assert await texts.get() == "first"
    texts.advance(TTL)
    assert await texts.get() == "second"
    texts.value = "third"
    texts.wall.advance(-3600)
    assert await texts.get(max_age=0) == "third"
    texts.error = UnavailableError()
    texts.advance(TTL + STALE)
    with pytest.raises(UnavailableError):
        await texts.get()


# ---------------------------------------------------------------- kept by others


async def test_whoever_keeps_a_response_hears_of_a_newer_one() -> None:
    texts = Texts()
    lookup = texts.lookup
    await texts.get()
    entry = lookup.cached("key")
    assert entry is not None
    validity = lookup.validity("key", entry)
    assert validity.holds(texts.monotonic())
    await texts.get(max_age=0)
    assert not validity.holds(texts.monotonic())
    assert not lookup.validity("key", entry).holds(texts.monotonic())  # nor does who comes too late


async def test_what_is_kept_ends_with_its_lifetime_also_where_nothing_newer_comes() -> None:
    texts = Texts()
    await texts.get()
    entry = texts.lookup.cached("key")
    assert entry is not None
    await texts.store.evict("key")
    validity = texts.lookup.validity("key", entry)  # an eviction is somebody else's to notice
    texts.advance(TTL - 1)
    assert validity.holds(texts.monotonic())
    texts.advance(1)
    assert not validity.holds(texts.monotonic())
