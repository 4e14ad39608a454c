"""Since when nothing counts that is known of a subject."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from math import inf
from threading import Lock
from typing import NamedTuple

from stack_fastapi.types import Clocks


class Eviction(NamedTuple):
    """When something was evicted.

    Attributes:
        sequence: its place in the order of requests, arrivals and evictions.
        at: monotonic time in seconds.
        at_wall: the same moment in Unix time, to compare with what other workers cached.
    """

    sequence: int
    at: float
    at_wall: float


_NEVER = Eviction(0, -inf, -inf)


class Evictions:
    """The latest eviction of each subject.

    A mark in place of a search through all that is known, which would also miss what is still on
    its way. When there are too many marks, one for all subjects takes their place: that forgets
    too much, never too little.

    Args:
        size: the most marks that are kept.
        clocks: the time.
        longest: how long after its request a response may be about, in seconds; older marks are
            of no use.

    Attributes:
        state: another number after each eviction. What was put together from several entries is
            good while it stays the same.
        newest: place of the latest eviction of anything.
    """

    def __init__(self, size: int, clocks: Clocks, longest: float = inf) -> None:
        self.state = 0
        self.newest = 0
        self._states = itertools.count(1)  # never the same twice, also with several threads
        self._size = size
        self._clocks = clocks
        self._longest = longest
        self._lock = Lock()  # a slow thread must not undo what a later one did
        self._marks: dict[str, Eviction] = {}
        self._all = _NEVER

    def mark(self, subject: str, sequence: int) -> None:
        """Evict a subject: what was asked before ``sequence`` counts no more."""
        eviction = Eviction(sequence, self._clocks.monotonic(), self._clocks.wall())
        with self._lock:
            if len(self._marks) >= self._size:
                self._make_room(eviction)
            if self.latest((subject,)).sequence < sequence:
                self._marks[subject] = eviction
            self.newest = max(self.newest, sequence)
        self.disturb()

    def _make_room(self, eviction: Eviction) -> None:
        young = {
            subject: mark
            for subject, mark in self._marks.items()
            if eviction.at - mark.at <= self._longest
        }
        if len(young) >= self._size:
            self._all = eviction  # first: between the two lines, another thread may look
            young = {}
        self._marks = young

    def disturb(self) -> None:
        """Have what was put together from several entries put together anew."""
        self.state = next(self._states)

    def latest(self, subjects: Collection[str]) -> Eviction:
        """The latest eviction of one of the subjects."""
        latest = self._all if subjects else _NEVER
        for subject in subjects:
            mark = self._marks.get(subject, _NEVER)
            if mark.sequence > latest.sequence:
                latest = mark
        return latest
