"""What an emulator's webhooks are driven with, from Python."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.state.events import EVENT_TYPES, EventType, Subject
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import Endpoint, Json, Team, User
from stack_fastapi.emulator.state.state import State
from stack_fastapi.emulator.webhooks.deliveries import (
    RETRY_AFTER,
    Delivery,
    Message,
    Order,
    Post,
)
from stack_fastapi.emulator.webhooks.endpoints import check
from stack_fastapi.emulator.webhooks.outbox import Outbox
from stack_fastapi.emulator.webhooks.sender import TIMEOUT, Sender


class Webhooks:
    """The webhooks of an emulator's projects. Safe to use from any thread.

    While the emulator is served, messages go out by themselves, in a thread of their own.
    Otherwise they wait for `deliver()`, so that a test decides when.

    Args:
        state: The emulator's data.
        post: Sends over HTTP; the HTTP library if absent.
        retry_after: Seconds between one attempt and the next. When they are used up, a delivery
            has failed.
    """

    def __init__(
        self,
        state: State,
        post: Post | None = None,
        retry_after: Sequence[float] = RETRY_AFTER,
    ) -> None:
        self._state = state
        self._outbox = Outbox(state.clock, retry_after)
        self._sender = Sender(self._outbox, state.clock, post or _post)
        for project in state.projects.values():
            project.listener = partial(self._hear, project)

    @property
    def secret(self) -> str:
        """What the first project's messages are signed with, `whsec_…`."""
        return self._state.project_named(None).webhook_secret

    def new_id(self) -> str:
        """An id for a message, `msg_…`."""
        with self._state.lock:
            return self._state.entropy.message_id()

    @property
    def endpoints(self) -> list[Endpoint]:
        """Where the messages of all projects go."""
        with self._state.lock:
            return [item for home in self._state.projects.values() for item in home.endpoints]

    @property
    def deliveries(self) -> list[Delivery]:
        """What was or will be sent, oldest first, as it is at the moment."""
        return self._outbox.deliveries

    def add(
        self,
        url: str,
        *,
        types: Collection[EventType] = (),
        project: str | None = None,
        allow_remote: bool = False,
        post: Post | None = None,
    ) -> Endpoint:
        """Send messages to a URL from now on.

        Args:
            url: Where to.
            types: Only these events; all if empty.
            project: The seed's name for the project; the first one if absent.
            allow_remote: Whether it may be on another machine. Messages hold users' data.
            post: Sends in place of HTTP, for receivers within the process.

        Raises:
            ValueError: It is no HTTP URL of this machine, or there is no such event.
            KeyError: There is no such project.
        """
        endpoint = check(Endpoint(url, tuple(types), allow_remote, post))
        with self._state.lock:
            self._state.project_named(project).endpoints.append(endpoint)
        return endpoint

    def remove(self, url: str) -> None:
        """Send nothing to a URL any more, from any project."""
        with self._state.lock:
            for project in self._state.projects.values():
                for endpoint in [item for item in project.endpoints if item.url == url]:
                    project.endpoints.remove(endpoint)
                    self._outbox.drop(endpoint)

    def redeliver(self, message_id: str) -> None:
        """Send a message once more to everybody who was to get it.

        Raises:
            KeyError: There is none with this id.
        """
        self._outbox.repeat(message_id)

    def hold(self) -> None:
        """Keep all messages back from now on."""
        self._outbox.hold()

    def release(self, order: Order = "sent") -> None:
        """Let the messages go that were kept back.

        Args:
            order: `sent`, `reversed`, or the ids of those that go first.

        Raises:
            ValueError: An id in the order is none of a message that waits.
        """
        self._outbox.release(order)

    def deliver(self) -> None:
        """Send everything that is due by now, and wait until nobody is sending."""
        while self._sender.send_next():
            pass
        self._outbox.wait_until_idle(TIMEOUT)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send messages by themselves until the block ends."""
        with self._sender.running():
            yield

    def _hear(self, project: Project, event: EventType, about: Subject) -> None:
        wanted = [item for item in project.endpoints if not item.types or event in item.types]
        if not wanted:
            return
        id_, content = self._state.entropy.message_id(), body(event, shown(project, about))
        message = Message(id_, event, project.webhook_secret, content)
        for endpoint in wanted:
            self._outbox.put(message, endpoint)


def shown(project: Project, about: Subject) -> Json:
    """What a message says of a record."""
    if isinstance(about, User):
        return views.server_user(project, about)
    return views.server_team(about) if isinstance(about, Team) else about


def body(event: EventType, data: Json) -> bytes:
    """A message's body.

    Raises:
        ValueError: There is no such event.
    """
    if event not in EVENT_TYPES:
        raise ValueError(f"There is no event {event!r}.")
    message = {"type": event, "data": data}
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def _post(url: str, content: bytes, headers: Mapping[str, str], timeout: float) -> int | None:
    from stack_fastapi.client.transport.http import post  # noqa: PLC0415 - only needed here

    return post(url, content, headers, timeout)
