"""The example app: what it prints works when pasted, and every route answers as its title says."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from example_app.tour import Credentials, describe

ROOT = Path(__file__).parents[1]
LINE = re.compile(r"^  # (?P<title>.+)\n  (?P<command>curl .+)$", re.MULTILINE)


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if "STACK_" not in name}
    return subprocess.Popen(  # noqa: S603 - our own example
        [sys.executable, "-m", "example_app", *arguments],
        cwd=ROOT,
        env=clean | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_banner(example: subprocess.Popen[str]) -> str:
    assert example.stdout is not None
    banner = ""
    while "Ctrl-C" not in banner:
        line = example.stdout.readline()
        assert line, example.communicate()[1]
        banner += line
    return banner


def stop(example: subprocess.Popen[str]) -> tuple[int, str]:
    example.send_signal(signal.SIGINT)
    _, errors = example.communicate(timeout=20)
    return example.returncode, errors


@pytest.fixture(scope="module")
def banner() -> Iterator[str]:
    """What the example prints, while it runs."""
    example = start("--port", "0")
    try:
        yield read_banner(example)
    finally:
        _, errors = stop(example)
    assert errors == ""


WRITE = "Write a note: needs note:write in the team"
LIVE = "A WebSocket that shows changes for 5 seconds: write a note meanwhile"
ANSWERS = {
    "A public route": '{"message":"Hello, whoever you are."}',
    "current_user, without a token: 401": '"USER_AUTHENTICATION_REQUIRED"',
    "current_user": '"email":"alice@example.com","name":"Alice"}',
    "current_user, the token as Bearer": '"email":"alice@example.com","name":"Alice"}',
    "optional_user, as a guest": '{"message":"Hello, stranger."}',
    "optional_user, signed in": '{"message":"Hello, Alice."}',
    "current_claims: the token alone": '"expires_at":',
    "An anonymous user, refused: 401": '"ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"',
    "An anonymous user, admitted": '"is_anonymous":true',
    "A WebSocket": "Hello, Alice.",
    WRITE: '"text":"Milk"',
    "The same without the permission: 403": '"missing":["note:write"]',
    "Read the team's notes: members may": '"text":"Milk"',
    "A program writes one, with the team's API key": '"text":"Bread"',
    "An administrator looks over all teams": '"notes":',
    "The same as a member: 403": '"missing":["note:admin"]',
    LIVE: '{"event":"created","note":{',
}


def test_it_says_that_a_local_stack_was_started(banner: str) -> None:
    assert "a local Stack was started: http://127.0.0.1:" in banner
    assert [match["title"] for match in LINE.finditer(banner)] == list(ANSWERS)


def paste(banner: str, title: str) -> subprocess.Popen[str]:
    """Run a printed line as a person's terminal does."""
    commands = {match["title"]: match["command"] for match in LINE.finditer(banner)}
    return subprocess.Popen(  # noqa: S603 - what the example printed
        ["bash", "-c", commands[title]],  # noqa: S607 - as a person's terminal finds it
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def shown(pasted: subprocess.Popen[str]) -> str:
    text, errors = pasted.communicate(timeout=20)
    assert pasted.returncode == 0, errors
    return text


@pytest.mark.skipif(
    not (shutil.which("curl") or os.environ.get("CI")), reason="needs curl on this machine"
)
@pytest.mark.parametrize("title", ANSWERS)
def test_the_printed_line_answers_when_pasted(banner: str, title: str) -> None:
    if title not in list(ANSWERS)[: list(ANSWERS).index(WRITE) + 1]:
        shown(paste(banner, WRITE))  # what the others read
    pasted = paste(banner, title)
    while title == LIVE and pasted.poll() is None:
        shown(paste(banner, WRITE))
    text = shown(pasted)
    assert ANSWERS[title] in text
    status = re.search(r": (\d{3})$", title)
    assert (status is not None) == text.startswith("HTTP/1.1 4")
    assert status is None or text.startswith(f"HTTP/1.1 {status[1]} ")


def ask(url: str, method: str = "GET", body: Any = None, **headers: str) -> str:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    content = None if body is None else json.dumps(body).encode()
    request = Request(url, content, {"content-type": "application/json", **fields}, method=method)  # noqa: S310 - loopback
    with urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        text: str = answer.read().decode()
    return text


def test_what_changes_in_the_local_stack_the_example_hears_at_once(banner: str) -> None:
    """By webhook: by itself it would remember the old name for a minute."""
    app, stack = (
        re.findall(rf"{word} +(http://[\d.:]+)", banner)[0] for word in ("app:", "started:")
    )
    token = ask(f"{stack}/local-stack/token?user=alice@example.com")
    payload = token.split(".")[1]
    project_id = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["aud"]
    access = {"x_stack_access_type": "client", "x_stack_project_id": project_id}
    for name in ("Alicia", "Alice"):
        known = json.loads(ask(f"{stack}/local-stack/webhooks"))["deliveries"]
        change = {"display_name": name}
        ask(f"{stack}/api/v1/users/me", "PATCH", change, x_stack_access_token=token, **access)
        while True:
            told = json.loads(ask(f"{stack}/local-stack/webhooks"))["deliveries"][len(known) :]
            if told and told[0]["state"] != "waiting":
                break
        assert [(item["type"], item["state"]) for item in told] == [("user.updated", "delivered")]
        assert json.loads(ask(f"{app}/me", x_stack_access_token=token))["name"] == name


def test_a_project_in_the_environment_is_used_and_wrong_settings_stop_it() -> None:
    example = start("--port", "0", STACK_PROJECT_ID="internal", STACK_API_URL="nowhere")
    _, errors = example.communicate(timeout=20)
    assert example.returncode != 0
    assert "secret_server_key is missing: set HEXCLAVE_SECRET_SERVER_KEY or" in errors
    assert "api_url is wrong" in errors
    assert "Traceback" not in errors


def test_a_port_that_is_taken_is_said_in_a_line_with_how_to_choose_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        example = start("--port", str(port))
        shown, errors = example.communicate(timeout=20)
    assert example.returncode == 1
    assert errors.startswith(f"Nothing can listen at port {port}: Address already in use; choose")
    assert f"python -m example_app --port {port + 1}, or make example PORT={port + 1}" in errors
    assert (errors.count("\n"), shown) == (1, "")


def test_a_port_of_the_local_stack_that_is_taken_is_said_as_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        example = start("--port", "0", "--stack-port", str(port))
        _, errors = example.communicate(timeout=20)
    assert example.returncode == 1
    assert f"port {port} of" in errors
    assert "choose another one with --stack-port" in errors
    assert errors.count("\n") == 1


def test_the_tour_of_a_real_project_asks_for_the_readers_own_tokens() -> None:
    text = describe("http://127.0.0.1:8000", "Real.", Credentials())
    assert '-H "X-Stack-Access-Token: $USER_TOKEN" http://127.0.0.1:8000/me' in text
    assert '-H "X-API-Key: $TEAM_API_KEY"' in text
