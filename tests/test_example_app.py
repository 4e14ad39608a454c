"""The example app: what it prints works when pasted, and every route answers as its title says."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from example_app.app import create_app
from example_app.tour import Tokens, describe
from stack_fastapi import StackAuth, StackAuthSettings
from stack_fastapi.audit import unprotected_routes
from stack_fastapi.emulator import StackEmulator

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
}


def test_it_says_that_a_local_stack_was_started(banner: str) -> None:
    assert "a local Stack was started: http://127.0.0.1:" in banner
    assert [match["title"] for match in LINE.finditer(banner)] == list(ANSWERS)


@pytest.mark.skipif(
    not (shutil.which("curl") or os.environ.get("CI")), reason="needs curl on this machine"
)
@pytest.mark.parametrize("title", ANSWERS)
def test_the_printed_line_answers_when_pasted(banner: str, title: str) -> None:
    commands = {match["title"]: match["command"] for match in LINE.finditer(banner)}
    pasted = subprocess.run(  # noqa: S603 - what the example printed
        ["bash", "-c", commands[title]],  # noqa: S607 - as a person's terminal finds it
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert ANSWERS[title] in pasted.stdout
    assert ("HTTP/1.1 401" in pasted.stdout) == title.endswith("401")


def test_a_project_in_the_environment_is_used_and_wrong_settings_stop_it() -> None:
    example = start("--port", "0", STACK_PROJECT_ID="internal", STACK_API_URL="nowhere")
    _, errors = example.communicate(timeout=20)
    assert example.returncode != 0
    assert "secret_server_key is missing: set HEXCLAVE_SECRET_SERVER_KEY or" in errors
    assert "api_url is wrong" in errors
    assert "Traceback" not in errors


def test_the_tour_of_a_real_project_asks_for_the_readers_own_tokens() -> None:
    text = describe("http://127.0.0.1:8000", "Real.", Tokens("$USER_TOKEN", "$ANONYMOUS_TOKEN"))
    assert '-H "X-Stack-Access-Token: $USER_TOKEN" http://127.0.0.1:8000/me' in text


def test_only_what_is_meant_to_be_open_is_open() -> None:
    stack = StackEmulator()
    settings = StackAuthSettings(
        project_id=stack.project.id,
        secret_server_key=stack.project.secret_server_key,
        api_url=stack.url,
    )
    app = create_app(StackAuth(settings, transport=stack.transport))
    own_pages = {"/docs", "/docs/oauth2-redirect", "/openapi.json", "/redoc"}
    assert unprotected_routes(app, public={"/", "/greeting", *own_pages}) == []
    token = stack.sign_in(stack.create_user(primary_email="bob@example.com").id).access_token
    with TestClient(app) as client:
        assert client.get("/me", headers={"X-Stack-Access-Token": token}).status_code == 200
        assert client.get("/me").status_code == 401
