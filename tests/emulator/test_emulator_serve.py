"""An emulator on real sockets."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from stack_fastapi.emulator import Fault, Served, StackEmulator, server


@pytest.fixture
def served(emulator: StackEmulator) -> Iterator[Served]:
    with emulator.serve() as found:
        yield found


@contextmanager
def connected(url: str, timeout: float = 10) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=timeout)
    try:
        yield connection
    finally:
        connection.close()


def test_it_answers_while_it_serves(emulator: StackEmulator) -> None:
    before = threading.active_count()
    with emulator.serve() as served:
        assert emulator.url == served.url
        assert served.short_ttl_url is None
        with urllib.request.urlopen(f"{served.url}/health") as answer:  # noqa: S310 - loopback
            assert json.load(answer) == {"status": "ok"}
    assert threading.active_count() == before
    assert emulator.url == "http://stack.localhost"
    with pytest.raises(ConnectionRefusedError), connected(served.url) as connection:
        connection.request("GET", "/health")


def test_one_connection_serves_many_requests(served: Served) -> None:
    with connected(served.url) as connection:
        for _ in range(3):
            connection.request("GET", "/api/v1")
            answer = connection.getresponse()
            assert answer.status == 200
            answer.read()


def test_python_methods_work_while_it_serves(emulator: StackEmulator, served: Served) -> None:
    user = emulator.create_user(display_name="Alice")
    headers = {
        "x-stack-access-type": "server",
        "x-stack-project-id": emulator.project.id,
        "x-stack-secret-server-key": emulator.project.secret_server_key,
        "x-stack-access-token": emulator.sign_in(user.id).access_token,
    }
    with connected(served.url) as connection:
        connection.request("GET", "/api/v1/users/me", headers=headers)
        assert json.load(connection.getresponse())["display_name"] == "Alice"


def test_the_second_port_issues_short_lived_tokens(emulator: StackEmulator) -> None:
    key = {
        "x-stack-access-type": "client",
        "x-stack-project-id": emulator.project.id,
        "x-stack-publishable-client-key": emulator.project.publishable_client_key,
    }
    with emulator.serve(short_ttl_port=0) as served:
        assert served.short_ttl_url is not None
        with connected(served.short_ttl_url) as connection:
            connection.request("POST", "/api/v1/auth/anonymous/sign-up", headers=key)
            tokens = json.load(connection.getresponse())
        headers = key | {
            "x-stack-access-token": tokens["access_token"],
            "x-stack-allow-anonymous-user": "true",
        }
        with connected(served.url) as connection:
            connection.request("GET", "/api/v1/users/me", headers=headers)
            assert json.load(connection.getresponse())["id"] == tokens["user_id"]


def test_it_serves_on_a_given_port(emulator: StackEmulator) -> None:
    with emulator.serve() as first:
        port = urlsplit(first.url).port
        assert port is not None
        with pytest.raises(OSError, match="in use"), StackEmulator().serve(port):
            pytest.fail("two emulators on one port")


def test_a_dropped_connection(emulator: StackEmulator, served: Served) -> None:
    emulator.faults.add(Fault(kind="dropped"))
    with connected(served.url) as connection:
        connection.request("GET", "/api/v1")
        with pytest.raises(ConnectionError):
            connection.getresponse()


def test_a_truncated_body(emulator: StackEmulator, served: Served) -> None:
    emulator.faults.add(Fault(kind="truncated"))
    with connected(served.url) as connection:
        connection.request("GET", "/api/v1")
        answer = connection.getresponse()
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            answer.read()


def test_an_answer_that_never_comes(emulator: StackEmulator, served: Served) -> None:
    emulator.faults.add(Fault(kind="timeout"))
    with connected(served.url, timeout=0.05) as connection:
        connection.request("GET", "/api/v1")
        with pytest.raises(TimeoutError):
            connection.getresponse()


@pytest.mark.parametrize("kind", ["timeout", "latency"])
def test_closing_does_not_wait_for_answers(kind: str) -> None:
    arrived = threading.Event()

    def clock() -> float:
        arrived.set()
        return 0.0

    emulator = StackEmulator(clock=clock)
    emulator.faults.add(Fault.model_validate({"kind": kind, "seconds": 3600}))
    arrived.clear()
    with emulator.serve() as served, connected(served.url) as connection:
        connection.request("GET", "/api/v1")
        assert arrived.wait(10)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com"])  # noqa: S104 - refused
def test_it_does_not_open_itself_to_the_network(emulator: StackEmulator, host: str) -> None:
    with pytest.raises(ValueError, match="allow_remote"), emulator.serve(host=host):
        pytest.fail("it served")


def test_it_opens_itself_when_told(emulator: StackEmulator) -> None:
    with emulator.serve(host="0.0.0.0", allow_remote=True) as served:  # noqa: S104 - that is it
        assert served.url.startswith("http://0.0.0.0:")


def test_the_loopback_of_ip_version_6(emulator: StackEmulator) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with emulator.serve(host="::1") as served, connected(served.url) as connection:
        assert served.url.startswith("http://[::1]:")
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_urls_of_both_families() -> None:
    class Socket:
        def __init__(self, *name: object) -> None:
            self._name = name

        def getsockname(self) -> tuple[object, ...]:
            return self._name

    assert server.url_of(Socket("127.0.0.1", 80)) == "http://127.0.0.1:80"  # type: ignore[arg-type]
    assert server.url_of(Socket("::1", 80, 0, 0)) == "http://[::1]:80"  # type: ignore[arg-type]


def test_without_uvicorn_it_names_the_extra() -> None:
    with pytest.raises(ImportError, match=r"stack-fastapi\[emulator\]"):
        server.require_uvicorn(lambda name: None)
