"""The circuit breaker, scene by scene and against a simple model."""

from __future__ import annotations

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stack_fastapi.client.transport.circuit_breaker import (
    LONGEST_PAUSE,
    PAUSE,
    THRESHOLD,
    CircuitBreaker,
)

NOW = 1_800_000_000.0


def broken(now: float = NOW) -> CircuitBreaker:
    """A breaker that has just opened."""
    breaker = CircuitBreaker()
    for _ in range(THRESHOLD):
        assert breaker.acquire(now) is None
        breaker.fail(now)
    return breaker


def test_a_new_breaker_lets_everything_through() -> None:
    breaker = CircuitBreaker()
    assert [breaker.acquire(NOW) for _ in range(100)] == [None] * 100


def test_it_opens_after_failures_in_a_row_and_not_before() -> None:
    breaker = CircuitBreaker()
    for _ in range(THRESHOLD - 1):
        breaker.fail(NOW)
    assert breaker.acquire(NOW) is None
    breaker.fail(NOW)
    assert breaker.acquire(NOW) == PAUSE
    assert breaker.acquire(NOW + 2) == PAUSE - 2


def test_a_success_starts_the_count_anew() -> None:
    breaker = CircuitBreaker()
    for _ in range(3):
        for _ in range(THRESHOLD - 1):
            breaker.fail(NOW)
        breaker.succeed()
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
        breaker.fail(NOW, pause)
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

    The model: until when it is quiet, the failures in a row, and whether a call is on its way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CircuitBreaker()
        self.now = NOW
        self.failures = 0
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
        self.failures, self.quiet_until = 0, None

    @precondition(lambda self: self.underway)
    @rule(pause=st.none() | st.floats(1, 2 * LONGEST_PAUSE))
    def fail(self, pause: float | None) -> None:
        probing = self.quiet_until is not None
        self.breaker.fail(self.now, pause)
        self.underway = False
        self.failures += 1
        if pause is not None:
            self.quiet_until = self.now + min(pause, LONGEST_PAUSE)
        elif probing or self.failures >= THRESHOLD:
            self.quiet_until = self.now + PAUSE

    @rule(seconds=st.sampled_from([0.5, PAUSE, 60.0, LONGEST_PAUSE]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.underway and self.quiet_until is None)
    @rule(times=st.integers(1, THRESHOLD + 1))
    def fail_in_a_row(self, times: int) -> None:
        for _ in range(times):
            if self.may_go_out():
                self.ask()
                self.fail(None)

    @invariant()
    def it_is_never_shut_for_longer_than_the_longest_pause(self) -> None:
        assert self.quiet_until is None or self.quiet_until - self.now <= LONGEST_PAUSE


TestAgainstTheModel = BreakerMachine.TestCase
TestAgainstTheModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
