"""The circuit breaker, scene by scene and against a simple model."""

from __future__ import annotations

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stack_fastapi.client.transport.circuit_breaker import (
    DIFFERENT,
    LONGEST_PAUSE,
    PAUSE,
    THRESHOLD,
    THRESHOLD_OF_ONE,
    CircuitBreaker,
)

NOW = 1_800_000_000.0


def broken(now: float = NOW) -> CircuitBreaker:
    """A breaker that has just opened."""
    breaker = CircuitBreaker()
    for number in range(THRESHOLD):
        assert breaker.acquire(now) is None
        breaker.fail(now, number)
    return breaker


def test_a_new_breaker_lets_everything_through() -> None:
    breaker = CircuitBreaker()
    assert [breaker.acquire(NOW) for _ in range(100)] == [None] * 100


def test_it_opens_after_failures_in_a_row_and_not_before() -> None:
    breaker = CircuitBreaker()
    for number in range(THRESHOLD - 1):
        breaker.fail(NOW, number)
    assert breaker.acquire(NOW) is None
    breaker.fail(NOW, THRESHOLD)
    assert breaker.acquire(NOW) == PAUSE
    assert breaker.acquire(NOW + 2) == PAUSE - 2


def test_one_request_that_fails_again_and_again_does_not_open_it() -> None:
    breaker = CircuitBreaker()
    for _ in range(10 * THRESHOLD):
        breaker.fail(NOW, "the one record")
    assert breaker.acquire(NOW) is None


def test_a_few_requests_that_fail_again_and_again_do_not_open_it() -> None:
    breaker = CircuitBreaker()
    for number in range(10 * THRESHOLD):
        breaker.fail(NOW, number % (DIFFERENT - 1))
    assert breaker.acquire(NOW) is None
    breaker.fail(NOW, "one more")
    assert breaker.acquire(NOW) == PAUSE


def test_many_failures_and_few_different_requests_are_both_wanted() -> None:
    breaker = CircuitBreaker(threshold=4, different=2)
    for request in ("a", "b", "a"):
        breaker.fail(NOW, request)
    assert breaker.acquire(NOW) is None
    breaker.fail(NOW, "b")
    assert breaker.acquire(NOW) == PAUSE


def test_one_that_stands_before_a_single_request_opens_sooner() -> None:
    assert THRESHOLD_OF_ONE < THRESHOLD
    breaker = CircuitBreaker(THRESHOLD_OF_ONE, 1)
    for _ in range(THRESHOLD_OF_ONE):
        assert breaker.acquire(NOW) is None
        breaker.fail(NOW, "the one record")
    assert breaker.acquire(NOW) == PAUSE
    assert breaker.acquire(NOW + PAUSE) is None


def test_it_remembers_no_more_requests_than_it_must() -> None:
    breaker = CircuitBreaker()
    for number in range(1000):
        breaker.fail(NOW, number)
    assert len(breaker._failing) == DIFFERENT


def test_a_success_starts_the_count_anew() -> None:
    breaker = CircuitBreaker()
    for _ in range(3):
        for number in range(THRESHOLD - 1):
            breaker.fail(NOW, number)
        breaker.succeed()
    assert breaker.acquire(NOW) is None


def test_a_success_starts_the_count_of_different_requests_anew() -> None:
    breaker = CircuitBreaker()
    for number in range(DIFFERENT - 1):
        breaker.fail(NOW, number)
    breaker.succeed()
    for _ in range(10 * THRESHOLD):
        breaker.fail(NOW, "another")
    assert breaker.acquire(NOW) is None


def test_after_the_pause_one_call_goes_out_and_the_others_wait_for_it() -> None:
    breaker = broken()
    assert breaker.acquire(NOW + PAUSE) is None
    assert [breaker.acquire(NOW + PAUSE) for _ in range(3)] == [PAUSE] * 3
    breaker.succeed()
    assert breaker.acquire(NOW + PAUSE) is None
    assert breaker.acquire(NOW + PAUSE) is None


def test_a_probe_that_fails_opens_it_again_at_once() -> None:
    breaker = broken()
    later = NOW + PAUSE
    assert breaker.acquire(later) is None
    breaker.fail(later)
    assert breaker.acquire(later) == PAUSE
    assert breaker.acquire(later + PAUSE) is None


def test_a_probe_that_fails_opens_it_again_whichever_request_it_was() -> None:
    breaker = broken()
    for number in range(3):
        now = NOW + (number + 1) * PAUSE
        assert breaker.acquire(now) is None
        breaker.fail(now, "the same each time")
        assert breaker.acquire(now) == PAUSE


def test_a_probe_that_is_given_up_lets_the_next_one_out() -> None:
    breaker = broken()
    later = NOW + PAUSE
    assert breaker.acquire(later) is None
    breaker.release()
    assert breaker.acquire(later) is None
    assert breaker.acquire(later) == PAUSE


def test_a_server_that_asks_for_a_pause_gets_it_at_the_first_time() -> None:
    breaker = CircuitBreaker()
    assert breaker.acquire(NOW) is None
    breaker.fail(NOW, pause=60)
    assert breaker.acquire(NOW + 59) == 1
    assert breaker.acquire(NOW + 60) is None
    assert breaker.acquire(NOW + 60) == PAUSE  # one probe, not everybody


def test_no_server_can_keep_it_open_for_ever() -> None:
    breaker = CircuitBreaker()
    breaker.fail(NOW, pause=1e9)
    assert breaker.acquire(NOW) == LONGEST_PAUSE


@pytest.mark.parametrize("pauses", [(60.0, None), (60.0, 1.0), (1.0, 60.0)])
def test_the_longest_of_several_pauses_counts(pauses: tuple[float, float | None]) -> None:
    breaker = broken()
    for pause in pauses:
        breaker.fail(NOW, None, pause)
    assert breaker.acquire(NOW) == 60


def test_an_answer_that_was_on_its_way_does_not_cut_the_servers_pause_short() -> None:
    """Of a burst, one is told 429 and to wait; the others' good answers come in behind it."""
    breaker = CircuitBreaker()
    assert [breaker.acquire(NOW) for _ in range(3)] == [None] * 3
    breaker.fail(NOW, pause=60)
    breaker.succeed()
    breaker.succeed()
    assert breaker.acquire(NOW + 1) == 59


class BreakerMachine(RuleBasedStateMachine):
    """One call after another, with whatever outcome and pauses in between.

    The model: until when it is quiet, the requests that failed in a row, and whether a call is on
    its way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CircuitBreaker()
        self.now = NOW
        self.failed: list[int] = []
        self.quiet_until: float | None = None
        self.underway = False

    def may_go_out(self) -> bool:
        if self.quiet_until is None:
            return True
        return self.now >= self.quiet_until

    @precondition(lambda self: not self.underway)
    @rule()
    def ask(self) -> None:
        allowed = self.may_go_out()
        wait = self.breaker.acquire(self.now)
        assert (wait is None) is allowed
        if wait is None:
            self.underway = True
        else:
            assert self.quiet_until is not None
            assert wait == self.quiet_until - self.now > 0

    @precondition(lambda self: self.quiet_until is not None and self.underway)
    @rule()
    def ask_beside_a_probe(self) -> None:
        assert self.breaker.acquire(self.now) == PAUSE

    @precondition(lambda self: self.underway)
    @rule()
    def succeed(self) -> None:
        self.breaker.succeed()
        self.underway = False
        self.failed, self.quiet_until = [], None

    @precondition(lambda self: self.underway)
    @rule()
    def give_up(self) -> None:
        self.breaker.release()
        self.underway = False

    @precondition(lambda self: self.underway)
    @rule(request=st.integers(1, 2 * DIFFERENT), pause=st.none() | st.floats(1, 2 * LONGEST_PAUSE))
    def fail(self, request: int, pause: float | None) -> None:
        probing = self.quiet_until is not None
        self.breaker.fail(self.now, request, pause)
        self.underway = False
        self.failed.append(request)
        too_much = len(self.failed) >= THRESHOLD and len({*self.failed}) >= DIFFERENT
        if pause is not None:
            self.quiet_until = self.now + min(pause, LONGEST_PAUSE)
        elif probing or too_much:
            self.quiet_until = self.now + PAUSE

    @rule(seconds=st.sampled_from([0.5, PAUSE, 60.0, LONGEST_PAUSE]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.underway and self.quiet_until is None)
    @rule(times=st.integers(1, THRESHOLD + 1), different=st.integers(1, DIFFERENT + 1))
    def fail_in_a_row(self, times: int, different: int) -> None:
        for number in range(times):
            if self.may_go_out():
                self.ask()
                self.fail(number % different, None)

    @invariant()
    def it_is_never_shut_for_longer_than_the_longest_pause(self) -> None:
        assert self.quiet_until is None or self.quiet_until - self.now <= LONGEST_PAUSE

    @invariant()
    def a_single_request_alone_never_shuts_it(self) -> None:
        if self.quiet_until is None:
            few = len({*self.failed}) < DIFFERENT
            assert few or len(self.failed) < THRESHOLD


TestAgainstTheModel = BreakerMachine.TestCase
TestAgainstTheModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
