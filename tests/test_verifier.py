"""Which tokens are good, and for how long a verdict is remembered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from fake_stack import Clock, FakeStack, scope_of, store_of
from hypothesis import given, settings, strategies as st
from joserfc.jwk import ECKey
from pydantic import SecretStr

from stack_fastapi import InvalidTokenError, StackUnavailableError
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.tokens.claims import TokenRules, digest_of, issuers_of
from stack_fastapi.tokens.jwks import KeySet
from stack_fastapi.tokens.verifier import Verifier

RECORDINGS = Path(__file__).parent / "recordings"
CORPUS: dict[str, Any] = json.loads((RECORDINGS / "tokens.json").read_text())
TOKENS: list[dict[str, Any]] = CORPUS["tokens"]
LONGEST = 1e12  # the corpus has lives of a hundred years


def _key_document(file: str) -> object:
    return json.loads((RECORDINGS / file).read_text())["response"]["body"]


KEYS = {name: _key_document(project["jwks"]) for name, project in CORPUS["projects"].items()}


def _text_of(entry: dict[str, Any]) -> str:
    if "token" in entry:
        return str(entry["token"])
    return "".join(text * times for text, times in entry["token_parts"])


class _Keys:
    """A project's keys, and how often they were asked for."""

    def __init__(self, document: object) -> None:
        self.document = document
        self.asked = 0

    async def fetch(self) -> object:
        self.asked += 1
        return self.document


def _verifier(
    keys: _Keys,
    clock: Clock,
    project_id: str,
    issuers: tuple[str, ...],
    leeway: float = 0,
    skew: float = 0,
) -> Verifier:
    rules = TokenRules(project_id, issuers_of(project_id, issuers), leeway, skew, LONGEST)
    store = store_of(clock)
    key_set = KeySet(keys.fetch, store, ttl=3600, cooldown=30)
    return Verifier(key_set, rules, store, ProblemLog(clock))


def _verifier_for(entry: dict[str, Any]) -> tuple[Verifier, Clock]:
    clock = Clock()
    clock.now = entry["now"]
    leeway = entry.get("leeway", 0)
    verifier = _verifier(
        _Keys(KEYS[entry["project"]]),
        clock,
        CORPUS["projects"][entry["project"]]["project_id"],
        tuple(entry.get("issuers", CORPUS["defaults"]["issuers"])),
        leeway,
        leeway,
    )
    return verifier, clock


@pytest.mark.parametrize("entry", TOKENS, ids=[entry["name"] for entry in TOKENS])
async def test_every_recorded_token_is_judged_as_a_careful_verifier_would(
    entry: dict[str, Any],
) -> None:
    verifier, _ = _verifier_for(entry)
    token = SecretStr(_text_of(entry))
    for _ in range(2):  # the second verdict may come from memory
        try:
            claims = await verifier.verify(token)
        except InvalidTokenError as error:
            verdict, reason = "reject", str(error.reason)
        else:
            verdict, reason = "accept", ""
        if entry.get("optional"):
            continue
        assert verdict == entry["expect"]
        if verdict == "reject":
            assert reason in {entry["reason"], *entry.get("also", [])}
        else:
            assert claims.user_type == entry["user_type"]
            assert claims.sub == entry.get("sub", claims.sub)


# ---------------------------------------------------------------- memory


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


def _document(stack: FakeStack) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in stack.keys.values()]}


def _of(stack: FakeStack, leeway: float = 0) -> tuple[Verifier, _Keys]:
    keys = _Keys(_document(stack))
    return _verifier(keys, stack.clock, stack.project_id, (stack.api_url,), leeway), keys


async def _reason(verifier: Verifier, token: SecretStr) -> str:
    with pytest.raises(InvalidTokenError) as caught:
        await verifier.verify(token)
    return caught.value.reason


@pytest.mark.parametrize("leeway", [0, 10])
async def test_a_remembered_token_ends_when_it_expires(stack: FakeStack, leeway: float) -> None:
    verifier, _ = _of(stack, leeway)
    token = SecretStr(stack.token(stack.add_user(), exp=int(stack.clock()) + 60))
    assert verifier.seen(digest_of(token)) is None
    claims = await verifier.verify(token)
    stack.clock.advance(59 + leeway)
    seen = verifier.seen(digest_of(token))
    assert seen is not None
    assert seen.claims is claims
    assert await verifier.verify(token) is claims
    stack.clock.advance(1)
    assert verifier.seen(digest_of(token)) is None
    assert await _reason(verifier, token) == "expired"


async def test_a_token_that_expires_while_the_keys_are_refreshed_is_refused(
    stack: FakeStack,
) -> None:
    """What counts is the moment of the verdict, from memory too."""
    auth = stack.engine(jwks_ttl=3600)
    token = stack.token(stack.add_user(), exp=int(stack.clock()) + 3610)
    await auth.begin(scope_of("/", token)).claims()
    stack.clock.advance(3600)
    gate = stack.hold("jwks")
    request = asyncio.create_task(auth.begin(scope_of("/", token)).claims())
    await gate.reached.wait()
    stack.clock.advance(10)
    gate.open()
    with pytest.raises(InvalidTokenError, match="expired"):
        await request


async def test_only_good_verdicts_are_remembered(stack: FakeStack) -> None:
    verifier, _ = _of(stack)
    early = SecretStr(stack.token(stack.add_user(), iat=int(stack.clock()) + 10))
    assert await _reason(verifier, early) == "not_yet_valid"
    stack.clock.advance(10)
    assert (await verifier.verify(early)).iat == int(stack.clock())


async def test_a_verdict_holds_for_the_whole_token_and_not_for_a_part_of_it(
    stack: FakeStack,
) -> None:
    verifier, _ = _of(stack)
    token = stack.token(stack.add_user())
    await verifier.verify(SecretStr(token))
    other = stack.token(stack.add_user())
    for forged in (
        ".".join([*token.split(".")[:2], other.split(".")[2]]),
        ".".join([token.split(".")[0], other.split(".")[1], token.split(".")[2]]),
    ):
        assert await _reason(verifier, SecretStr(forged)) == "bad_signature"
    for longer in (token + " ", token + "=", "\ufeff" + token, token + "\ud800"):
        assert await _reason(verifier, SecretStr(longer)) == "malformed"


async def test_a_token_is_judged_without_its_keys_where_its_text_tells_enough(
    stack: FakeStack,
) -> None:
    verifier, keys = _of(stack)
    for text in ("", "a.b", "a" * 9000, "e30.e30.e30", stack.token("x")[:-4]):
        await _reason(verifier, SecretStr(text))
    assert keys.asked == 0


async def test_without_keys_nobody_is_good_or_bad(stack: FakeStack) -> None:
    verifier, keys = _of(stack)
    keys.document = None
    with pytest.raises(StackUnavailableError):
        await verifier.verify(SecretStr(stack.token(stack.add_user())))


async def test_a_hundred_twins_that_waited_for_the_keys_are_all_good(stack: FakeStack) -> None:
    verifier, keys = _of(stack)
    token = SecretStr(stack.token(stack.add_user()))
    verdicts = await asyncio.gather(*(verifier.verify(token) for _ in range(100)))
    assert len({id(claims) for claims in verdicts}) == 1
    assert keys.asked == 1


async def test_a_key_of_another_project_proves_nothing_under_a_known_id(
    stack: FakeStack,
) -> None:
    verifier, _ = _of(stack)
    forger = ECKey.generate_key("P-256", {"kid": stack.signing.kid or ""})
    token = SecretStr(stack.token(stack.add_user(), key=forger))
    assert await _reason(verifier, token) == "bad_signature"


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=40) | st.from_regex(r"([A-Za-z0-9_-]{0,20}\.){2}[A-Za-z0-9_-]{0,90}"))
def test_no_text_is_more_than_a_bad_token(text: str) -> None:
    verifier, _ = _of(_STACK)
    with pytest.raises(InvalidTokenError):
        asyncio.run(verifier.verify(SecretStr(text)))


_STACK = FakeStack()
