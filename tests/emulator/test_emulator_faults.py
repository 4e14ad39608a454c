"""Faults on request."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import ValidationError

from stack_fastapi.emulator import Fault, StackEmulator

from .emulator_api import Api

CURRENT = "/projects/current"


def test_a_fault_is_over_after_so_many_times(emulator: StackEmulator, api: Api) -> None:
    emulator.faults.add(Fault(kind="status", times=2))
    assert [api("GET", CURRENT).status for _ in range(3)] == [503, 503, 200]
    assert len(emulator.faults) == 0


def test_a_fault_strikes_a_share(emulator: StackEmulator, api: Api) -> None:
    emulator.faults.add(Fault(kind="status", status=500, share=0.25))
    statuses = [api("GET", CURRENT).status for _ in range(8)]
    assert statuses == [200, 200, 200, 500, 200, 200, 200, 500]
    emulator.faults.clear()
    assert emulator.faults.active == []


def test_a_fault_strikes_what_it_is_about(emulator: StackEmulator, api: Api) -> None:
    emulator.faults.add(Fault(kind="status", path="*/users", method="POST"))
    assert api("GET", "/users").status == 200
    assert api("POST", "/users", {}).status == 503
    assert api("GET", CURRENT).status == 200


def test_the_oldest_fault_that_fits_strikes(emulator: StackEmulator, api: Api) -> None:
    emulator.faults.add(Fault(kind="status", status=500, times=1))
    emulator.faults.add(Fault(kind="status", status=502))
    assert [api("GET", CURRENT).status for _ in range(2)] == [500, 502]


@pytest.mark.parametrize("after", ["3", "Wed, 21 Oct 2026 07:28:00 GMT", None])
def test_too_many_requests(emulator: StackEmulator, api: Api, after: str | None) -> None:
    emulator.faults.add(Fault(kind="status", status=429, retry_after=after))
    reply = api("GET", CURRENT)
    assert (reply.status, reply.headers.get("retry-after")) == (429, after)
    assert reply.code is None
    assert "x-stack-request-id" not in reply.headers


def test_broken_json(emulator: StackEmulator, api: Api) -> None:
    emulator.faults.add(Fault(kind="broken_json"))
    reply = api("GET", CURRENT)
    assert reply.headers["content-type"].startswith("application/json")
    with pytest.raises(ValueError, match="line 1"):
        json.loads(reply.content)


def test_broken_json_even_where_there_is_no_body(emulator: StackEmulator, api: Api) -> None:
    emulator.faults.add(Fault(kind="broken_json"))
    assert api("PUT", "/users/me").content == b"{"


def test_a_page_in_place_of_json(emulator: StackEmulator, api: Api) -> None:
    emulator.faults.add(Fault(kind="html", status=502))
    reply = api("GET", CURRENT)
    assert (reply.status, reply.content[:9]) == (502, b"<!doctype")


def test_a_huge_body(emulator: StackEmulator, api: Api) -> None:
    emulator.faults.add(Fault(kind="oversized", size=100_000))
    reply = api("GET", CURRENT)
    assert len(reply.json["padding"]) == 100_000


def test_a_redirect(emulator: StackEmulator, api: Api) -> None:
    emulator.faults.add(Fault(kind="redirect", status=307, location="http://elsewhere.test/"))
    reply = api("GET", CURRENT)
    assert (reply.status, reply.headers["location"]) == (307, "http://elsewhere.test/")


def test_a_late_answer(emulator: StackEmulator, api: Api) -> None:
    emulator.faults.add(Fault(kind="latency", seconds=0.0))
    assert api("GET", CURRENT).status == 200
    assert emulator.requests[0].fault == "latency"


def test_a_wrong_clock(emulator: StackEmulator, api: Api) -> None:
    token = emulator.sign_in(emulator.create_user().id).access_token
    emulator.faults.add(Fault(kind="clock_skew", seconds=600, times=1))
    assert api("GET", "/users/me", token=token).code == "ACCESS_TOKEN_EXPIRED"
    assert api("GET", "/users/me", token=token).status == 200


@pytest.mark.parametrize("kind", ["dropped", "timeout"])
def test_no_answer_within_the_process(emulator: StackEmulator, api: Api, kind: Any) -> None:
    emulator.faults.add(Fault(kind=kind))
    with pytest.raises(ConnectionResetError):
        api("GET", CURRENT)
    assert (emulator.requests[0].status, emulator.requests[0].fault) == (0, kind)


def test_a_server_hangs_up(emulator: StackEmulator) -> None:
    hung_up: list[bool] = []
    api = Api(emulator, state={"local_stack_hang_up": lambda: hung_up.append(True)})
    emulator.faults.add(Fault(kind="truncated"))
    reply = api("GET", CURRENT)
    assert hung_up == [True]
    assert len(reply.content) * 2 <= int(reply.headers["content-length"])


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "unheard"},
        {"kind": "status", "times": 0},
        {"kind": "status", "share": 0},
        {"kind": "status", "status": 99},
        {"kind": "status", "other": 1},
    ],
)
def test_faults_that_make_no_sense(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fault(**fields)


def test_other_protocols_are_turned_away(emulator: StackEmulator) -> None:
    sent: list[Any] = []
    asked = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return asked.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def live(kind: str) -> None:
        await emulator.app({"type": kind}, receive, send)

    asyncio.run(live("lifespan"))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    asyncio.run(live("websocket"))
    assert sent[-1] == "websocket.close"


def test_a_header_too_large(api: Api) -> None:
    assert api("GET", "/users/me", token="a" * 17_000).status == 431


def test_a_wrong_key_is_refused_in_the_servers_own_words(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user()
    emulator.faults.add(Fault(kind="wrong_key", times=1))
    assert api("GET", f"/users/{user.id}").outcome == (401, "INVALID_SECRET_SERVER_KEY")
    assert api("GET", f"/users/{user.id}").status == 200
