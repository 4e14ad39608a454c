"""Deliveries: signed, repeated, held back, and only to this machine."""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from standardwebhooks import Webhook

from stack_fastapi.client.transport.http import post
from stack_fastapi.emulator import Attempt, Endpoint, StackEmulator
from stack_fastapi.emulator.webhooks import Webhooks, sign
from stack_fastapi.emulator.webhooks.deliveries import RETRY_AFTER, Message
from stack_fastapi.emulator.webhooks.outbox import CAPACITY, Outbox

from .emulator_api import Api, StandingClock

URL = "http://localhost/webhooks"
RECORDINGS = Path(__file__).parents[1] / "recordings"
SIGNED = json.loads((RECORDINGS / "webhook_signatures.json").read_text())
GOOD = [
    item
    for item in SIGNED["deliveries"]
    if item["name"].startswith("good: ") and "svix-id" in item["headers"]
]


class Receiver:
    """Takes messages, and answers what it is told to."""

    def __init__(self, *statuses: int | None) -> None:
        self.statuses = list(statuses)
        self.ids: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.types: list[str] = []

    def __call__(
        self, url: str, content: bytes, headers: Mapping[str, str], timeout: float
    ) -> int | None:
        self.ids.append(headers["svix-id"])
        self.headers.append(headers)
        self.types.append(json.loads(content)["type"])
        return self.statuses.pop(0) if self.statuses else 200


# ---------------------------------------------------------------- signatures


@pytest.mark.parametrize("recorded", GOOD, ids=lambda item: item["name"])
def test_the_signature_is_the_recorded_one(recorded: dict[str, Any]) -> None:
    sent = recorded["headers"]
    headers = sign(
        SIGNED["secret"], sent["svix-id"], int(sent["svix-timestamp"]), recorded["body"].encode()
    )
    assert headers["svix-signature"] in sent["svix-signature"].split(" ")
    assert headers["svix-timestamp"] == sent["svix-timestamp"]


def test_there_are_recorded_signatures() -> None:
    assert len(GOOD) > 10


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", "QUJD", "whsec_QUJ", "whsec_QUJEé"])
def test_a_secret_of_another_form_is_refused_and_not_quoted(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and a key") as caught:
        sign(secret, "msg_1", 0, b"{}")
    assert not secret or secret not in str(caught.value).replace("whsec_ and", "")
    with pytest.raises(ValueError, match="whsec_ and "):
        StackEmulator({"projects": {"p": {"id": "p", "webhook_secret": secret}}})


def test_the_known_library_accepts_what_is_sent(
    emulator: StackEmulator, clock: StandingClock
) -> None:
    clock.now = time.time()  # the library asks the system's clock
    receiver = Receiver()
    emulator.webhooks.add(URL, post=receiver)
    emulator.create_user(display_name="Zoë")
    emulator.webhooks.deliver()
    (delivery,) = emulator.webhooks.deliveries
    headers = {
        name.replace("svix-", "webhook-"): value for name, value in receiver.headers[0].items()
    }
    Webhook(emulator.webhooks.secret).verify(delivery.content, headers)
    assert receiver.headers[0]["content-type"] == "application/json"
    assert receiver.ids == [delivery.id]


# ---------------------------------------------------------------- attempts


def test_nothing_is_sent_before_somebody_says_so(emulator: StackEmulator) -> None:
    receiver = Receiver()
    emulator.webhooks.add(URL, post=receiver)
    emulator.create_user()
    assert receiver.ids == []
    assert [item.state for item in emulator.webhooks.deliveries] == ["waiting"]
    emulator.webhooks.deliver()
    emulator.webhooks.deliver()
    assert len(receiver.ids) == 1
    assert [item.state for item in emulator.webhooks.deliveries] == ["delivered"]


@pytest.mark.parametrize("status", [None, 199, 300, 302, 400, 500])
def test_an_attempt_that_fails_is_repeated_later(
    emulator: StackEmulator, clock: StandingClock, status: int | None
) -> None:
    receiver, start = Receiver(status), clock.now
    emulator.webhooks.add(URL, post=receiver)
    emulator.create_user()
    emulator.webhooks.deliver()
    clock.now = start + RETRY_AFTER[0] - 0.1
    emulator.webhooks.deliver()
    assert len(receiver.ids) == 1
    clock.now = start + RETRY_AFTER[0]
    emulator.webhooks.deliver()
    (delivery,) = emulator.webhooks.deliveries
    assert delivery.attempts == (Attempt(start, status), Attempt(start + RETRY_AFTER[0], 200))
    assert delivery.state == "delivered"
    assert receiver.ids == [delivery.id, delivery.id]
    first, second = receiver.headers
    assert int(second["svix-timestamp"]) - int(first["svix-timestamp"]) == RETRY_AFTER[0]
    assert first["svix-signature"] != second["svix-signature"]


def test_repetition_comes_to_an_end(emulator: StackEmulator, clock: StandingClock) -> None:
    receiver = Receiver(*[500] * 100)
    emulator.webhooks.add(URL, post=receiver)
    emulator.create_user()
    for _ in range(20):
        emulator.webhooks.deliver()
        clock.now += max(RETRY_AFTER)
    (delivery,) = emulator.webhooks.deliveries
    assert len(receiver.ids) == len(delivery.attempts) == len(RETRY_AFTER) + 1 == 8
    assert delivery.state == "failed"


def test_a_message_that_must_wait_does_not_hold_up_the_next(
    emulator: StackEmulator, clock: StandingClock
) -> None:
    receiver = Receiver(500)
    emulator.webhooks.add(URL, post=receiver)
    emulator.create_user()
    emulator.webhooks.deliver()
    emulator.create_user()
    emulator.webhooks.deliver()
    assert [item.state for item in emulator.webhooks.deliveries] == ["waiting", "delivered"]
    clock.now += RETRY_AFTER[0]
    emulator.webhooks.deliver()
    first, second = (item.id for item in emulator.webhooks.deliveries)
    assert receiver.ids == [first, second, first]


def test_an_error_of_a_receiver_in_the_process_counts_and_shows(emulator: StackEmulator) -> None:
    def broken(*_: object) -> int:
        raise LookupError("the receiver's own")

    emulator.webhooks.add(URL, post=broken)
    emulator.create_user()
    with pytest.raises(LookupError):
        emulator.webhooks.deliver()
    (delivery,) = emulator.webhooks.deliveries
    assert [attempt.status for attempt in delivery.attempts] == [None]
    assert delivery.state == "waiting"


def test_each_receiver_is_asked_on_its_own(emulator: StackEmulator) -> None:
    good, bad = Receiver(), Receiver(500)
    emulator.webhooks.add(URL, post=good)
    emulator.webhooks.add("http://localhost/other", post=bad)
    emulator.create_user()
    emulator.webhooks.deliver()
    assert [(item.url, item.state) for item in emulator.webhooks.deliveries] == [
        (URL, "delivered"),
        ("http://localhost/other", "waiting"),
    ]
    assert good.ids == bad.ids


def test_a_receiver_that_is_removed_gets_nothing_more(
    emulator: StackEmulator, clock: StandingClock
) -> None:
    receiver, other = Receiver(500), Receiver()
    emulator.webhooks.add(URL, post=receiver)
    emulator.webhooks.add("http://localhost/other", post=other)
    emulator.create_user()
    emulator.webhooks.deliver()
    emulator.create_user()
    emulator.webhooks.remove(URL)
    clock.now += RETRY_AFTER[0]
    emulator.create_user()
    emulator.webhooks.deliver()
    assert len(receiver.ids) == 1
    assert len(other.ids) == 3
    states = [item.state for item in emulator.webhooks.deliveries if item.url == URL]
    assert states == ["failed", "failed"]
    assert [item.url for item in emulator.webhooks.endpoints] == ["http://localhost/other"]


def test_a_receiver_may_be_removed_by_what_it_hears(emulator: StackEmulator) -> None:
    def leaving(*_: object) -> int:
        emulator.webhooks.remove(URL)
        return 500

    emulator.webhooks.add(URL, post=leaving)
    emulator.create_user()
    emulator.webhooks.deliver()
    assert [item.state for item in emulator.webhooks.deliveries] == ["failed"]


def test_the_back_off_can_be_chosen(emulator: StackEmulator, clock: StandingClock) -> None:
    receiver = Receiver(500, 500, 500)
    webhooks = Webhooks(emulator._state, receiver, retry_after=[1])
    webhooks.add(URL)
    emulator.create_user()
    webhooks.deliver()
    clock.now += 1
    webhooks.deliver()
    assert [item.state for item in webhooks.deliveries] == ["failed"]
    assert len(receiver.ids) == 2


def test_old_deliveries_are_forgotten(emulator: StackEmulator) -> None:
    emulator.webhooks.add(URL, post=Receiver())
    user = emulator.create_user()
    for _ in range(CAPACITY):
        emulator.project.announce("user.deleted", {"id": user.id})
    assert len(emulator.webhooks.deliveries) == CAPACITY
    assert {item.type for item in emulator.webhooks.deliveries} == {"user.deleted"}


# ---------------------------------------------------------------- repeated and out of order


def test_a_message_is_redelivered_under_its_id(
    emulator: StackEmulator, clock: StandingClock
) -> None:
    receiver = Receiver()
    emulator.webhooks.add(URL, post=receiver)
    emulator.create_user()
    emulator.webhooks.deliver()
    clock.now += 100
    message_id = emulator.webhooks.deliveries[0].id
    emulator.webhooks.redeliver(message_id)
    emulator.webhooks.redeliver(message_id)
    emulator.webhooks.deliver()
    assert receiver.ids == [message_id] * 3
    assert len(emulator.webhooks.deliveries) == 3
    with pytest.raises(KeyError):
        emulator.webhooks.redeliver("msg_unknown")


def change_thrice(emulator: StackEmulator) -> None:
    user = emulator.create_user()
    emulator.update_user(user.id, display_name="A")
    emulator.delete_user(user.id)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("sent", ["user.created", "user.updated", "user.deleted"]),
        ("reversed", ["user.deleted", "user.updated", "user.created"]),
        ([1], ["user.updated", "user.created", "user.deleted"]),
        ([2, 0], ["user.deleted", "user.created", "user.updated"]),
        (1, ["user.updated", "user.created", "user.deleted"]),
    ],
)
def test_messages_that_were_held_go_out_in_any_order(
    emulator: StackEmulator, clock: StandingClock, order: Any, expected: list[str]
) -> None:
    receiver = Receiver()
    emulator.webhooks.add(URL, post=receiver)
    emulator.webhooks.hold()
    change_thrice(emulator)
    clock.now += 1
    emulator.webhooks.deliver()
    assert receiver.types == []
    ids = [item.id for item in emulator.webhooks.deliveries]
    if isinstance(order, list):
        order = [ids[place] for place in order]
    elif isinstance(order, int):
        order = ids[order]
    emulator.webhooks.release(order)
    emulator.webhooks.deliver()
    assert receiver.types == expected


def test_an_order_names_messages_that_wait(emulator: StackEmulator) -> None:
    emulator.webhooks.hold()
    for order in (["msg_unknown"], "msg_unknown"):
        with pytest.raises(ValueError, match="msg_unknown"):
            emulator.webhooks.release(order)


def test_repetitions_are_held_too_and_keep_their_time(
    emulator: StackEmulator, clock: StandingClock
) -> None:
    receiver = Receiver(500)
    emulator.webhooks.add(URL, post=receiver)
    emulator.create_user()
    emulator.webhooks.deliver()
    emulator.webhooks.hold()
    clock.now += RETRY_AFTER[0]
    emulator.webhooks.deliver()
    assert len(receiver.ids) == 1
    emulator.webhooks.release()
    emulator.webhooks.deliver()
    assert len(receiver.ids) == 2


def test_who_waits_for_something_to_do_goes_on_when_there_is(clock: StandingClock) -> None:
    outbox, stopped = Outbox(clock), threading.Event()
    outbox.put(Message("msg_1", "user.deleted", "whsec_QUJD", b"{}"), Endpoint(URL))
    outbox.wait(stopped)
    outbox.hold()
    outbox.stop(stopped)
    outbox.wait(stopped)
    assert [item.state for item in outbox.deliveries] == ["waiting"]


STEPS = st.lists(
    st.sampled_from(["change", "deliver", "hold", "release", "reverse", "repeat", "later"]),
    max_size=30,
)


@given(STEPS, st.lists(st.sampled_from([200, 500, None]), max_size=12))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_whatever_happens_nothing_is_lost_and_nothing_is_sent_twice(
    steps: list[str], statuses: list[int | None]
) -> None:
    clock, taken = StandingClock(), Counter[str]()
    emulator = StackEmulator(clock=clock)
    receiver = Receiver(*statuses)

    def counting(url: str, content: bytes, headers: Mapping[str, str], timeout: float) -> Any:
        status = receiver(url, content, headers, timeout)
        taken[headers["svix-id"]] += status == 200
        return status

    webhooks = Webhooks(emulator._state, retry_after=[1.0] * 20)
    webhooks.add(URL, post=counting)
    expected, is_held = Counter[str](), False
    for step in steps:
        before = len(receiver.ids)
        match step:
            case "change":
                emulator.create_user()
                expected[webhooks.deliveries[-1].id] += 1
            case "hold":
                webhooks.hold()
                is_held = True
            case "release" | "reverse":
                webhooks.release("sent" if step == "release" else "reversed")
                is_held = False
            case "repeat" if webhooks.deliveries:
                webhooks.redeliver(webhooks.deliveries[0].id)
                expected[webhooks.deliveries[0].id] += 1
            case "later":
                clock.now += 1
            case _:
                webhooks.deliver()
                assert not is_held or len(receiver.ids) == before
    webhooks.release()
    for _ in range(21):
        webhooks.deliver()
        clock.now += 1
    assert taken == expected
    assert {item.state for item in webhooks.deliveries} <= {"delivered"}


# ---------------------------------------------------------------- where to


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("ftp://localhost/", "plain"),
        ("http://", "plain"),
        ("localhost:8000/webhooks", "plain"),
        ("http://user:secret@localhost/", "plain"),
        ("http://localhost:99999/", "[Pp]ort"),
        ("http://localhost:0/", "plain"),
        ("http://local\nhost/", "plain"),
        ("http://localhost\\@example.com/", "plain"),
        ("http://localhost\\.example.com/", "another machine"),
        ("https://example.com/", r"example\.com .*allow_remote"),
        ("http://192.0.2.1/", "another machine"),
        ("http://localhost.example/", "another machine"),
        ("http://[2001:db8::1]/", "another machine"),
    ],
)
def test_messages_stay_on_this_machine(emulator: StackEmulator, url: str, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        emulator.webhooks.add(url)
    seed = {"projects": {"p": {"id": "p", "webhooks": [{"url": url}]}}}
    with pytest.raises(ValueError, match=match):
        StackEmulator(seed)
    assert emulator.webhooks.endpoints == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/a?b", "https://[::1]/", "http://x.localhost"])
def test_all_names_of_this_machine_will_do(emulator: StackEmulator, url: str) -> None:
    assert emulator.webhooks.add(url).url == url


def test_another_machine_has_to_be_meant(emulator: StackEmulator) -> None:
    url = "https://example.com/"
    assert emulator.webhooks.add(url, allow_remote=True).url == url
    assert emulator.webhooks.add(url, post=Receiver()).url == url
    item = {"url": url, "allow_remote": True, "types": ["user.deleted"]}
    seeded = StackEmulator({"projects": {"p": {"id": "p", "webhooks": [item]}}})
    assert seeded.webhooks.endpoints[0].types == ("user.deleted",)


def test_unknown_events_and_projects_are_refused(emulator: StackEmulator) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        emulator.webhooks.add(URL, types=["nonsense"])  # type: ignore[list-item]
    with pytest.raises(KeyError):
        emulator.webhooks.add(URL, project="nonsense")


def test_no_repr_shows_a_secret_or_a_body(emulator: StackEmulator) -> None:
    emulator.webhooks.add(URL)
    emulator.create_user(display_name="Alice")
    shown = repr([emulator.project, emulator.webhooks.deliveries, emulator.webhooks.endpoints])
    assert emulator.webhooks.secret not in shown
    assert "Alice" not in shown


# ---------------------------------------------------------------- on a real socket


@contextmanager
def listening(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/webhooks"
        finally:
            server.shutdown()
            thread.join()


def test_while_it_is_served_messages_go_out_by_themselves(emulator: StackEmulator) -> None:
    taken: list[tuple[str | None, bytes]] = []
    arrived = threading.Event()

    def take(handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers["content-length"])
        taken.append((handler.headers["svix-id"], handler.rfile.read(length)))
        handler.send_response(204)
        handler.end_headers()
        arrived.set()

    with listening(take) as url, emulator.serve():
        emulator.webhooks.add(url)
        emulator.create_user()
        assert arrived.wait(20)
        emulator.webhooks.deliver()
    (delivery,) = emulator.webhooks.deliveries
    assert taken == [(delivery.id, delivery.content)]
    assert delivery.state == "delivered"


def test_a_slow_receiver_stops_neither_requests_nor_python(
    emulator: StackEmulator, api: Api
) -> None:
    arrived, answered = threading.Event(), threading.Event()

    def slow(*_: object) -> int:
        arrived.set()
        assert answered.wait(20)
        return 200

    emulator.webhooks.add(URL, post=slow)
    with emulator.webhooks.running():
        emulator.create_user()
        assert arrived.wait(20)
        assert emulator.create_user().id in emulator.project.users
        assert api("GET", "/users").status == 200
        assert emulator.webhooks.deliveries[0].state == "waiting"
        answered.set()
        emulator.webhooks.deliver()
    assert [item.state for item in emulator.webhooks.deliveries] == ["delivered", "delivered"]


def test_the_thread_survives_a_receiver_that_raises(
    emulator: StackEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    called = threading.Semaphore(0)

    def broken(*_: object) -> int:
        called.release()
        raise LookupError("secret")

    emulator.webhooks.add(URL, post=broken)
    with caplog.at_level(logging.WARNING), emulator.webhooks.running():
        for _ in range(2):
            emulator.create_user()
            assert called.acquire(timeout=20)
    assert "LookupError" in caplog.text
    assert "secret" not in caplog.text


def test_the_thread_waits_for_the_time_of_a_repetition() -> None:
    times = itertools.count(1_800_000_000.0, 0.001)
    emulator = StackEmulator(clock=lambda: next(times))  # a look at the clock takes a millisecond
    taken = threading.Event()
    statuses = [500]

    def second_time(*_: object) -> int:
        if statuses:
            return statuses.pop()
        taken.set()
        return 200

    webhooks = Webhooks(emulator._state, second_time, retry_after=[0.02])
    webhooks.add(URL)
    with webhooks.running():
        emulator.create_user()
        assert taken.wait(20)
    first, second = webhooks.deliveries[0].attempts
    assert second.time - first.time >= 0.02


@pytest.mark.parametrize("status", [200, 302, 500])
def test_posting_gives_the_status_and_does_not_follow(status: int) -> None:
    seen: list[tuple[str, str | None, bytes]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        seen.append((handler.path, handler.headers["svix-id"], body))
        handler.send_response(status)
        handler.send_header("location", "/elsewhere")
        handler.end_headers()

    with listening(answer) as url:
        assert post(url, b"{}", {"svix-id": "msg_1"}, 10) == status
    assert seen == [("/webhooks", "msg_1", b"{}")]


def test_posting_ignores_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()

    with listening(answer) as url:
        assert post(url, b"{}", {}, 10) == 200


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_posting_to_nobody_is_no_answer(scheme: str) -> None:
    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    with listening(hang_up) as url:
        assert post(url.replace("http", scheme, 1), b"{}", {}, 10) is None


# ---------------------------------------------------------------- over HTTP

WEBHOOKS = "/local-stack/webhooks"


def test_webhooks_over_http(emulator: StackEmulator, api: Api) -> None:
    added = api.raw("POST", WEBHOOKS, {}, {"url": URL, "types": ["user.created"]})
    assert (added.status, added.json) == (201, {"url": URL, "types": ["user.created"]})
    user = emulator.create_user()
    emulator.delete_user(user.id)
    shown = api.raw("GET", WEBHOOKS).json
    assert shown["secret"] == emulator.webhooks.secret
    assert shown["endpoints"] == [added.json]
    (delivery,) = shown["deliveries"]
    assert json.loads(delivery["content"])["data"]["id"] == user.id
    assert (delivery["state"], delivery["attempts"]) == ("waiting", [])
    assert api.raw("DELETE", f"{WEBHOOKS}?url={URL}").status == 200
    assert emulator.webhooks.endpoints == []


def test_order_and_repetition_over_http(emulator: StackEmulator, api: Api) -> None:
    receiver = Receiver()
    emulator.webhooks.add(URL, post=receiver)
    assert api.raw("POST", f"{WEBHOOKS}/hold").status == 200
    change_thrice(emulator)
    emulator.webhooks.deliver()
    assert receiver.types == []
    ids = [item.id for item in emulator.webhooks.deliveries]
    assert api.raw("POST", f"{WEBHOOKS}/release", {}, {"order": [ids[1]]}).status == 200
    emulator.webhooks.deliver()
    assert receiver.types == ["user.updated", "user.created", "user.deleted"]
    assert api.raw("POST", f"{WEBHOOKS}/redeliver", {}, {"id": ids[2]}).status == 200
    emulator.webhooks.deliver()
    assert receiver.types[3:] == ["user.deleted"]
    assert api.raw("POST", f"{WEBHOOKS}/release").status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "", {"url": "https://example.com/"}, 400, "another machine"),
        ("POST", "", {"url": URL, "allow_remote": True}, 400, "allow_remote"),
        ("POST", "", {"url": URL, "types": ["x"]}, 400, "types"),
        ("POST", "", {"url": URL, "project": "x"}, 404, "project"),
        ("POST", "", None, 400, "url"),
        ("POST", "/redeliver", {"id": "msg_x"}, 404, "message"),
        ("POST", "/release", {"order": ["msg_x"]}, 400, "msg_x"),
        ("PUT", "", None, 404, "endpoint"),
        ("GET", "/hold", None, 404, "endpoint"),
        ("GET", "-elsewhere", None, 404, "endpoint"),
    ],
)
def test_what_makes_no_sense_is_refused(
    api: Api, method: str, path: str, body: Any, status: int, says: str
) -> None:
    refused = api.raw(method, WEBHOOKS + path, {}, body)
    assert refused.status == status
    assert says in refused.content.decode()


def test_other_machines_learn_nothing_of_webhooks(emulator: StackEmulator) -> None:
    far = Api(emulator, client=("10.0.0.1", 1))
    assert far.raw("GET", WEBHOOKS).status == 403
    assert emulator.webhooks.secret.encode() not in far.raw("GET", WEBHOOKS).content
