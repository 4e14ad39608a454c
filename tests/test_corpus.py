"""Every recorded token, judged by a real engine against the key set that was recorded with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from pydantic import SecretStr

from stack_fastapi import InvalidTokenError, StackAuth, StackAuthSettings, UserNotFoundError
from stack_fastapi.engine.authentication import Authentication
from stack_fastapi.engine.policy import Policy

RECORDINGS = Path(__file__).parent / "recordings"
CORPUS: dict[str, Any] = json.loads((RECORDINGS / "tokens.json").read_text())
TOKENS: list[dict[str, Any]] = CORPUS["tokens"]
KEY_SETS = {
    name: json.loads((RECORDINGS / project["jwks"]).read_text())
    for name, project in CORPUS["projects"].items()
}
#: The genuine tokens live ten years, one of the made ones a hundred.
TWO_HUNDRED_YEARS = 200 * 366 * 86_400
ADMIT_ANYBODY = Policy(allow_anonymous=True, allow_restricted=True)

SettingsMaker = Callable[..., StackAuthSettings]


class Engine(NamedTuple):
    """An engine set up for one entry of the corpus, and what it asks Stack."""

    auth: StackAuth
    requests: list[httpx2.Request]

    def decide(self, token: SecretStr) -> Authentication:
        """The decision about a request that carries exactly this text, in whatever form."""
        auth = self.auth
        return Authentication(auth, token, auth._parts, ADMIT_ANYBODY, auth._log)


class Verdict(NamedTuple):
    expect: str
    reason: str | None = None
    user_type: str | None = None
    sub: str | None = None


def engine_for(entry: dict[str, Any], make_settings: SettingsMaker) -> Engine:
    key_set = KEY_SETS[entry["project"]]
    issuers = entry.get("issuers", CORPUS["defaults"]["issuers"])
    leeway = entry.get("leeway", CORPUS["defaults"]["leeway"])
    settings = make_settings(
        project_id=key_set["project_id"],
        api_url=issuers[0],
        issuers=issuers[1:],
        leeway=leeway,
        clock_skew=leeway,
        max_token_lifetime=TWO_HUNDRED_YEARS,
    )
    requests: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        if is_key_set(request, key_set):
            response = key_set["response"]
            return httpx2.Response(
                response["status"], headers=response["headers"], json=response["body"]
            )
        code = "CANNOT_GET_OWN_USER_WITHOUT_USER"
        headers = {"x-stack-known-error": code, "x-stack-request-id": "0123456789abcdef"}
        return httpx2.Response(400, headers=headers, json={"code": code, "error": "<message>"})

    transport = httpx2.MockTransport(answer)
    return Engine(StackAuth(settings, transport=transport, clock=lambda: entry["now"]), requests)


def is_key_set(request: httpx2.Request, key_set: dict[str, Any]) -> bool:
    method, path = key_set["request"]["method"], key_set["request"]["path"]
    asked: str = f"{request.method} {request.url.raw_path.decode()}"
    return asked == f"{method} {path}"


def text_of(entry: dict[str, Any]) -> SecretStr:
    if "token" in entry:
        return SecretStr(entry["token"])
    return SecretStr("".join(text * times for text, times in entry["token_parts"]))


async def judge(entry: dict[str, Any], make_settings: SettingsMaker) -> Verdict:
    """What the engine says; an error that is not a refusal of the token is a bug, and raises."""
    engine = engine_for(entry, make_settings)
    async with engine.auth:
        try:
            claims = await engine.auth._verifier.verify(text_of(entry))
        except InvalidTokenError as error:
            return Verdict("reject", error.reason)
        return Verdict("accept", None, claims.user_type, claims.sub)


def is_right(entry: dict[str, Any], verdict: Verdict) -> bool:
    if verdict.expect != entry["expect"]:
        return False
    if verdict.expect == "reject":
        return verdict.reason in {entry["reason"], *entry.get("also", ())}
    return bool(verdict.user_type == entry["user_type"])


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["name"]) for entry in TOKENS])
async def test_a_recorded_token_gets_the_verdict_of_a_careful_verifier(
    entry: dict[str, Any], make_settings: SettingsMaker
) -> None:
    verdict = await judge(entry, make_settings)
    assert is_right(entry, verdict) or entry.get("optional")
    if verdict.expect == "accept":
        assert verdict.sub == entry.get("sub", verdict.sub)


async def test_every_group_of_the_corpus_is_judged_rightly(
    make_settings: SettingsMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    table: dict[str, Counter[str]] = {}
    for entry in TOKENS:
        counts = table.setdefault(entry["group"], Counter())
        verdict = await judge(entry, make_settings)
        if entry.get("optional"):
            counts["optional: " + verdict.expect] += 1
        elif is_right(entry, verdict):
            counts[verdict.expect] += 1
        else:
            counts["wrong"] += 1
    with capsys.disabled():
        show(table)
    total = sum(table.values(), Counter[str]())
    assert total["wrong"] == 0
    assert (total["accept"], total["reject"]) == (54, 442)
    assert sum(total.values()) == len(TOKENS) == 551


def show(table: dict[str, Counter[str]]) -> None:
    columns = (
        "accept",
        "reject",
        "wrong",
        "optional: accept",
        "optional: reject",
    )
    total = sum(table.values(), Counter[str]())
    lines = [
        "",
        f"{'recorded tokens':<18}" + "".join(f"{name:>{len(name) + 3}}" for name in columns),
    ]
    for group, counts in [*sorted(table.items()), ("total", total)]:
        cells = "".join(f"{counts[name] or '·':>{len(name) + 3}}" for name in columns)
        lines.append(f"{group:<18}{cells}")
    print("\n".join(lines))  # noqa: T201 - shown beside the results, on purpose


REFUSED = [entry for entry in TOKENS if entry["expect"] == "reject" and not entry.get("optional")]
GENUINE = [entry for entry in TOKENS if entry["group"] == "genuine"]


async def test_no_refused_token_is_sent_to_stack_however_often_it_comes(
    make_settings: SettingsMaker,
) -> None:
    for entry in REFUSED:
        engine = engine_for(entry, make_settings)
        async with engine.auth:
            for _ in range(3):
                with pytest.raises(InvalidTokenError):
                    await engine.decide(text_of(entry)).admit()
        key_set = KEY_SETS[entry["project"]]
        assert all(is_key_set(request, key_set) for request in engine.requests), entry["name"]
        # The first sight of the project, and one more for a key that it does not list.
        assert len(engine.requests) <= 2, entry["name"]


async def test_what_is_no_token_at_all_does_not_even_cost_a_key_set(
    make_settings: SettingsMaker,
) -> None:
    """Anybody can send rubbish: it is refused before anything is asked."""
    for entry in REFUSED:
        if entry["group"] in {"shape", "size", "algorithm", "other_credentials"}:
            engine = engine_for(entry, make_settings)
            async with engine.auth:
                with pytest.raises(InvalidTokenError):
                    await engine.decide(text_of(entry)).admit()
            assert engine.requests == [], entry["name"]


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["name"]) for entry in GENUINE])
async def test_a_genuine_token_is_shown_to_stack_once_for_its_user(
    entry: dict[str, Any], make_settings: SettingsMaker
) -> None:
    engine, token = engine_for(entry, make_settings), text_of(entry)
    async with engine.auth:
        for _ in range(2):
            with pytest.raises(UserNotFoundError):
                await engine.decide(token).admit()
    key_set, me = engine.requests
    assert is_key_set(key_set, KEY_SETS[entry["project"]])
    assert me.url.path == "/api/v1/users/me"
    assert me.headers["x-stack-access-token"] == token.get_secret_value()
    assert "x-stack-secret-server-key" not in key_set.headers
