"""Which deliveries are Stack's: the recorded verdicts, and attacks on the signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import SecretStr
from standardwebhooks import Webhook

from stack_fastapi import InvalidWebhookError
from stack_fastapi.emulator.webhooks import sign
from stack_fastapi.webhooks.signatures import TOLERANCE, WebhookSignatures

RECORDED = json.loads(
    (Path(__file__).parent / "recordings" / "webhook_signatures.json").read_text()
)
SECRET = RECORDED["secret"]
NOW = 1_800_000_000
BODY = b'{"type":"team.deleted","data":{"id":"x"}}'


def signatures(now: float = NOW) -> WebhookSignatures:
    return WebhookSignatures(SecretStr(SECRET), lambda: now)


def reason_of(headers: dict[str, str], body: bytes = BODY, now: float = NOW) -> str | None:
    try:
        signatures(now).check(headers, body)
    except InvalidWebhookError as error:
        return error.reason
    return None


def signed(message_id: str = "msg_1", now: float = NOW, body: bytes = BODY) -> dict[str, str]:
    return sign(SECRET, message_id, now, body)


# ---------------------------------------------------------------- the recorded verdicts


@pytest.mark.parametrize("delivery", RECORDED["deliveries"], ids=lambda item: item["name"])
def test_the_recorded_verdict_is_ours(delivery: dict[str, Any]) -> None:
    reason = reason_of(delivery["headers"], delivery["body"].encode(), delivery["now"])
    if delivery["expect"] == "accept":
        assert reason is None
    else:
        assert reason in {delivery["reason"], *delivery.get("also", ())}


def test_the_recorded_tolerance_is_ours() -> None:
    assert RECORDED["tolerance_seconds"] == TOLERANCE


def test_a_good_one_is_known_by_its_id() -> None:
    assert signatures().check(signed("msg_2xP"), BODY) == "msg_2xP"


# ---------------------------------------------------------------- attacks


def test_a_text_in_the_body_does_not_become_a_message() -> None:
    """What is signed is ``id.time.body``; whoever chose a name may have put full stops in it."""
    forged = b'{"type":"user.deleted","data":{"id":"victim"}}'
    body = b'{"type":"team.updated","data":{"display_name":"x.%d.%s"}}' % (NOW, forged)
    headers = signed("msg_1", NOW, body)
    before, stop, _ = body.partition(b".%d." % NOW)
    assert stop
    moved = {**headers, "svix-id": f"msg_1.{NOW}.{before.decode()}"}
    assert reason_of(moved, body[len(before) + len(stop) :]) == "bad_signature"
    assert reason_of(headers, body) is None


@pytest.mark.parametrize(
    "text", ["", "msg.1", "msg 1", "msg\n1", "m\x00", "ä", "\ud800", "m" * 257]
)
def test_only_what_can_be_an_id_is_one(text: str) -> None:
    signature = Webhook(SECRET).sign("msg_1", datetime.fromtimestamp(NOW, tz=UTC), BODY.decode())
    headers = {"svix-id": text, "svix-timestamp": str(NOW), "svix-signature": signature}
    assert reason_of(headers) == ("bad_signature" if text else "missing_header")


def test_a_signature_beside_another_headers_family_does_not_count() -> None:
    good = signed()
    mixed = {"svix-id": good["svix-id"], "webhook-timestamp": good["svix-timestamp"]}
    assert reason_of({**mixed, "svix-signature": good["svix-signature"]}) == "missing_header"


@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
def test_a_header_that_was_sent_twice_is_refused(name: str) -> None:
    assert reason_of({**signed(), name.upper(): "x"}) == "repeated_header"


@pytest.mark.parametrize(
    "text", ["0", "01800000000", "+1800000000", " 1800000000", "1_800_000_000"]
)
@pytest.mark.parametrize("sign_the_text", [True, False])
def test_the_time_is_a_plain_number(text: str, sign_the_text: bool) -> None:  # noqa: FBT001
    headers = {**signed(), "svix-timestamp": text}
    if sign_the_text:
        headers["svix-signature"] = _signature_over(f"msg_1.{text}.".encode() + BODY)
    assert reason_of(headers) == "bad_timestamp"


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (TOLERANCE, None),
        (TOLERANCE + 0.5, "old_timestamp"),
        (-TOLERANCE, None),
        (-TOLERANCE - 0.5, "future_timestamp"),
    ],
)
def test_the_tolerance_ends_sharply(age: float, expected: str | None) -> None:
    assert reason_of(signed(), now=NOW + age) == expected


def test_a_body_that_is_no_text_is_no_message() -> None:
    body = b'{"type":"\xff"}'
    assert reason_of(signed(body=body), body) == "bad_signature"


def test_the_signature_of_another_secret_is_none() -> None:
    other = sign("whsec_" + "A" * 32, "msg_1", NOW, BODY)
    assert reason_of(other) == "bad_signature"
    both = f"{other['svix-signature']} {signed()['svix-signature']}"
    assert reason_of({**other, "svix-signature": both}) is None


# ---------------------------------------------------------------- properties

TEXT = st.text(max_size=60)
NAMES = st.sampled_from(["svix-id", "svix-timestamp", "svix-signature", "webhook-id", "Svix-Id"])


@given(st.dictionaries(NAMES, TEXT), st.binary(max_size=200))
def test_anything_is_refused_and_nothing_crashes(headers: dict[str, str], body: bytes) -> None:
    assert reason_of(headers, body) is not None


@given(st.text(max_size=200), st.from_regex(r"msg_[A-Za-z0-9]{1,30}", fullmatch=True))
def test_what_was_signed_is_accepted_and_nothing_beside_it(text: str, message_id: str) -> None:
    body = text.encode(errors="replace")
    headers = signed(message_id, NOW, body)
    assert reason_of(headers, body) is None
    assert reason_of(headers, body + b" ") == "bad_signature"
    assert reason_of({**headers, "svix-id": message_id + "x"}, body) == "bad_signature"
    later = {**headers, "svix-timestamp": str(NOW + 1)}
    assert reason_of(later, body) == "bad_signature"


@given(st.integers(0, 43), st.sampled_from("ABCDwxyz0189+/="))
def test_a_changed_character_of_the_signature_is_refused(place: int, character: str) -> None:
    right = signed()["svix-signature"]
    at = len("v1,") + place
    changed = right[:at] + character + right[at + 1 :]
    expected = None if changed == right else "bad_signature"
    assert reason_of({**signed(), "svix-signature": changed}) == expected


def _signature_over(content: bytes) -> str:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
