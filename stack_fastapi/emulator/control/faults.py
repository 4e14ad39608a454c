"""Faults on request: what a real service does on a bad day."""

from __future__ import annotations

import fnmatch
import math
import threading
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FaultKind = Literal[
    "latency",
    "timeout",
    "status",
    "broken_json",
    "html",
    "truncated",
    "oversized",
    "redirect",
    "dropped",
    "clock_skew",
    "wrong_key",
]


class Fault(BaseModel):
    """One fault, and which requests it strikes.

    Attributes:
        kind: `latency` answers late, `timeout` never, `status` with an error status and no word of
            Stack's, `broken_json` with half of the JSON, `html` with a page, `truncated` with less
            than it announces, `oversized` with a huge JSON body, `redirect` elsewhere; `dropped`
            closes the connection without an answer, `clock_skew` answers with another clock,
            `wrong_key` as if the key that was sent were a wrong one.
        path: A shell pattern for the whole path, such as `*/users/me`.
        method: Only this method; every one if absent.
        times: How many requests it strikes before it is over; no end if absent.
        share: Which part of the fitting requests it strikes, evenly spread: 0.25 is every fourth.
        status: Of the answer; 503 for `status`, 302 for `redirect` and 200 otherwise if absent.
        retry_after: The header Retry-After: seconds or a date.
        seconds: How late (`latency`), or how far the clock is ahead (`clock_skew`).
        size: Bytes of an `oversized` body.
        location: Where a `redirect` leads.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    path: str = "*"
    method: str | None = None
    times: int | None = Field(default=None, ge=1)
    share: float = Field(default=1.0, gt=0, le=1)
    status: int | None = Field(default=None, ge=200, le=599)
    retry_after: str | None = None
    seconds: float = 0.0
    size: int = Field(default=10_000_000, ge=0)
    location: str = "http://127.0.0.1:9/elsewhere"

    def fits(self, method: str, path: str) -> bool:
        """Whether a request is one that this fault is about."""
        return self.method in {None, method} and fnmatch.fnmatchcase(path, self.path)


class _Active:
    """A fault and how often it was asked and played."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._asked = 0
        self._played = 0

    @property
    def is_over(self) -> bool:
        return self.fault.times is not None and self._played >= self.fault.times

    def strikes(self) -> bool:
        """Whether this request is hit: when the share of those asked reaches a whole number."""
        before = math.floor(self._asked * self.fault.share)
        self._asked += 1
        is_hit = math.floor(self._asked * self.fault.share) > before
        self._played += is_hit
        return is_hit


class Faults:
    """The faults to play. Safe to use from any thread."""

    def __init__(self) -> None:
        self._active: list[_Active] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.active)

    @property
    def active(self) -> list[Fault]:
        """The faults that are not over yet, oldest first."""
        with self._lock:
            return [item.fault for item in self._active]

    def add(self, fault: Fault) -> None:
        """Play a fault from now on."""
        with self._lock:
            self._active.append(_Active(fault))

    def clear(self) -> None:
        """Play no fault any more."""
        with self._lock:
            self._active.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that strikes a request: the oldest that fits. Counts as played."""
        with self._lock:
            struck = next(
                (i for i in self._active if i.fault.fits(method, path) and i.strikes()), None
            )
            self._active = [item for item in self._active if not item.is_over]
            return struck.fault if struck else None
