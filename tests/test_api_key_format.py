"""The text of an API key: what is one, and what only looks like one."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, strategies as st

from stack_fastapi.emulator.state.api_key_text import write
from stack_fastapi.tokens.api_key_format import is_meant_as_api_key, read

EXCHANGES: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "recordings" / "exchanges.jsonl").read_text().splitlines()
]
#: Every key that Stack showed when it made it.
RECORDED = [
    exchange["response"]["body"]["value"]
    for exchange in EXCHANGES
    if exchange["request"]["path"].endswith("-api-keys")
    and exchange["request"]["method"] == "POST"
    and exchange["response"]["status"] == 200
]
#: Those that Stack knows nothing of.
UNKNOWN = [
    exchange["request"]["body"]["api_key"]
    for exchange in EXCHANGES
    if exchange["response"]["headers"].get("x-stack-known-error") == "API_KEY_NOT_FOUND"
    and "/check" in exchange["request"]["path"]
]
SECRET = "z4fnr6w2z7ahetwqmv44q2avcjtb9k31880e0kz5v85q0"
ID = "4bf025a0-e20c-4621-8aef-0606c35eb5c1"
GOOD = write(ID, "user", SECRET, is_public=False)


def records() -> dict[str, str]:
    """Type of owner by id, of every record that Stack answered with."""
    found = {}
    for exchange in EXCHANGES:
        body = exchange["response"]["body"]
        if isinstance(body, dict) and body.get("type") in {"user", "team"} and "value" in body:
            found[body["id"]] = body["type"]
    return found


@pytest.mark.parametrize("text", RECORDED, ids=lambda text: text[-8:])
def test_every_recorded_key_is_one_and_says_what_its_record_says(text: str) -> None:
    parts = read(text)
    assert parts is not None
    assert records()[parts.id] == parts.type
    assert parts.is_public == text.startswith("pk_")


def test_there_are_recorded_keys_of_both_types() -> None:
    parts = [read(text) for text in RECORDED]
    assert {part.type for part in parts if part} == {"user", "team"}


def test_mistyped_keys_that_stack_knows_nothing_of_are_refused_here() -> None:
    mistyped = [text for text in UNKNOWN if text == "sk_nope" or text.endswith("0a46d4a0")]
    assert len(set(mistyped)) == 2  # the others were well-formed, and deleted
    assert [text for text in mistyped if read(text)] == []


@given(
    key_id=st.uuids(),
    owner=st.sampled_from(["user", "team"]),
    secret=st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=45, max_size=45),
    is_public=st.booleans(),
)
def test_what_was_written_is_read(
    key_id: uuid.UUID, owner: Literal["user", "team"], secret: str, *, is_public: bool
) -> None:
    text = write(str(key_id), owner, secret, is_public=is_public)
    parts = read(text)
    assert parts is not None
    assert (parts.id, parts.type, parts.is_public) == (str(key_id), owner, is_public)
    assert secret not in repr(parts)
    assert is_meant_as_api_key(text)


@given(st.integers(0, len(GOOD) - 1), st.characters())
def test_no_single_typing_error_goes_unnoticed(place: int, character: str) -> None:
    text = GOOD[:place] + character + GOOD[place + 1 :]
    assert (read(text) is None) == (text != GOOD)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sk_",
        "sk_nope",
        GOOD[:-1],
        GOOD + "0",
        GOOD + "\n",
        " " + GOOD,
        GOOD.upper(),
        GOOD.replace("sk_", "ak_"),
        GOOD * 2,
        GOOD[:-8] + "00000000",
        "sk_" + "0" * 1_000_000,
    ],
    ids=range(12),
)
def test_what_is_no_key(text: str) -> None:
    assert read(text) is None


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert read(text) is None
    read("sk_" + text)


def test_no_token_is_meant_as_a_key() -> None:
    corpus = json.loads((Path(__file__).parent / "recordings" / "tokens.json").read_text())
    genuine = [entry["token"] for entry in corpus["tokens"] if entry["group"] == "genuine"]
    assert genuine
    assert not any(is_meant_as_api_key(token) for token in genuine)
