"""Messages, deliveries and attempts, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from stack_fastapi.emulator.state.events import EventType
from stack_fastapi.emulator.state.records import Endpoint

#: URL, body, headers, seconds to wait → the status; None where there was no answer.
Post = Callable[[str, bytes, Mapping[str, str], float], int | None]
#: In which order held messages go out; ids name those that go first.
Order = Literal["sent", "reversed"] | Sequence[str]

#: Seconds between one attempt and the next, as Svix has them; then it gives up.
RETRY_AFTER = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 36_000.0)
State = Literal["waiting", "delivered", "failed"]

_GOOD = range(200, 300)


@dataclass(frozen=True)
class Attempt:
    """One try to deliver.

    Attributes:
        time: When it ended; Unix time in seconds.
        status: What the receiver answered; None if it did not.
    """

    time: float
    status: int | None


@dataclass(frozen=True)
class Message:
    """One event of a project, ready to be sent."""

    id: str
    type: EventType
    secret: str = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Delivery:
    """A message on its way to one receiver, as it is at the moment.

    Attributes:
        id: The message's id, `svix-id`; the same at every receiver and for each repetition.
        content: The body.
        attempts: Oldest first.
        state: `waiting` for its time, for a release or for who sends it; then `delivered` or
            `failed`.
    """

    id: str
    type: EventType
    url: str
    content: bytes = field(repr=False)
    attempts: tuple[Attempt, ...]
    state: State


@dataclass(eq=False)
class Entry:
    """A delivery that changes.

    Attributes:
        due: Unix time in seconds.
        rank: Who goes first of those that are due at the same time.
        is_given_up: Whether no further attempt will be made.
    """

    message: Message
    endpoint: Endpoint
    due: float
    rank: int
    attempts: list[Attempt] = field(default_factory=list)
    is_given_up: bool = False

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver took it."""
        return bool(self.attempts) and self.attempts[-1].status in _GOOD

    def view(self) -> Delivery:
        """The delivery as it is now."""
        state: State = "failed" if self.is_given_up else "waiting"
        return Delivery(
            self.message.id,
            self.message.type,
            self.endpoint.url,
            self.message.content,
            tuple(self.attempts),
            "delivered" if self.is_delivered else state,
        )


def ordered(entries: Sequence[Entry], order: Order) -> list[Entry]:
    """Deliveries in the order in which they are to go out.

    Raises:
        ValueError: An id in the order is none of theirs.
    """
    by_rank = sorted(entries, key=lambda entry: entry.rank)
    if order == "sent":
        return by_rank
    if order == "reversed":
        return by_rank[::-1]
    ids = [order] if isinstance(order, str) else list(order)
    unknown = set(ids) - {entry.message.id for entry in entries}
    if unknown:
        raise ValueError(f"No message waits with the id {min(unknown)!r}.")
    places = {id_: place for place, id_ in enumerate(ids)}
    return sorted(by_rank, key=lambda entry: places.get(entry.message.id, len(ids)))
