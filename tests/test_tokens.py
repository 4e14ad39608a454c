"""The pure part of the verifier: what a token must look like, and what it must say."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from stack_fastapi.tokens.claims import (
    MAX_TOKEN_LENGTH,
    RefusedTokenError,
    TokenRules,
    check_claims,
    is_of_another_project,
    issuer_base,
    issuers_of,
    read_object,
    split,
)
from stack_fastapi.types import UserType

case = pytest.param

PROJECT_ID = "11111111-2222-4333-8444-555555555555"
USER_ID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
BASE = "https://api.stack-auth.com"
NOW = 1_800_000_000
RULES = TokenRules(
    PROJECT_ID, issuers_of(PROJECT_ID, [BASE]), leeway=5, clock_skew=30, max_lifetime=86_400
)
HEADER = {"alg": "ES256", "kid": "key-1"}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TYPES: tuple[UserType, ...] = ("normal", "restricted", "anonymous")
PATHS: dict[UserType, str] = {
    "normal": "projects",
    "restricted": "projects-restricted-users",
    "anonymous": "projects-anonymous-users",
}
AUDIENCES: dict[UserType, str] = {"normal": "", "restricted": ":restricted", "anonymous": ":anon"}
REASONS: dict[UserType, str | None] = {
    "normal": None,
    "restricted": "email_not_verified",
    "anonymous": "anonymous",
}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(header: object = None, payload: bytes = b"{}", signature: bytes = b"s" * 64) -> str:
    text = header if isinstance(header, bytes) else json.dumps(header or HEADER).encode()
    return ".".join(map(b64, (text, payload, signature)))


def claims_of(user_type: UserType = "normal", **changes: Any) -> dict[str, Any]:
    reason = REASONS[user_type]
    return {
        "sub": USER_ID,
        "iss": f"{BASE}/api/v1/{PATHS[user_type]}/{PROJECT_ID}",
        "aud": PROJECT_ID + AUDIENCES[user_type],
        "exp": NOW + 600,
        "iat": NOW,
        "project_id": PROJECT_ID,
        "branch_id": "main",
        "is_anonymous": user_type == "anonymous",
        "is_restricted": user_type != "normal",
        "restricted_reason": reason and {"type": reason},
        **changes,
    }


def without(*names: str, user_type: UserType = "normal") -> dict[str, Any]:
    return {name: value for name, value in claims_of(user_type).items() if name not in names}


def verdict(payload: dict[str, Any], now: float = NOW, rules: TokenRules = RULES) -> str:
    """The type of the user who is let in, or why nobody is."""
    try:
        return check_claims(payload, rules, now).user_type
    except RefusedTokenError as refused:
        return refused.reason


# ---------------------------------------------------------------- the text


def test_a_well_formed_token_is_taken_apart() -> None:
    payload = '{"sub": "ä", "n": [1, {}]}'.encode()
    parts = split(compact({**HEADER, "typ": "JWT", "x": [1]}, payload))
    assert (parts.kid, parts.payload) == ("key-1", payload)
    assert "sub" not in repr(parts)


SIGNED = b"s" * 64
P, S = b64(b"{}"), b64(SIGNED)
H = b64(json.dumps(HEADER).encode())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        case("", "malformed", id="nothing"),
        case("..", "malformed", id="two dots"),
        case(f"{H}.{P}", "malformed", id="two parts"),
        case(f"{H}.{P}.{S}.", "malformed", id="four parts"),
        case(f"{H}.{P}.{S}.{S}.{S}", "malformed", id="five parts, as a JWE"),
        case(f"{H}..{S}", "malformed", id="detached payload"),
        case(f"{H}.{P}.", "malformed", id="no signature"),
        case(f" {H}.{P}.{S}", "malformed", id="white space in front"),
        case(f"{H}.{P}.{S}\n", "malformed", id="a line end behind"),
        case(f"{H}.{P}\n.{S}", "malformed", id="a line end inside"),
        case(f"{H}.{P}.{S}==", "malformed", id="padding"),
        case(f"{H}.{P[:-1]}+.{S}", "malformed", id="standard base64"),
        case(f"{H}.{P}.A", "malformed", id="a length that base64 does not have"),
        case(f"{H}.\u0665{P}.{S}", "malformed", id="a digit that is not ASCII"),
        case(f"{H}.\ud800.{S}", "malformed", id="half a character"),
        case(f"{H}.{P}.{S[:-1]}_", "malformed", id="another spelling of the signature"),
        case("x" * (MAX_TOKEN_LENGTH + 1), "too_large", id="one character too long"),
        case("x" * MAX_TOKEN_LENGTH, "malformed", id="as long as it may be"),
        case(compact(signature=SIGNED[:-1]), "bad_signature", id="63 bytes"),
        case(compact(signature=SIGNED + b"s"), "bad_signature", id="65 bytes"),
        case(compact({"kid": "k"}), "bad_algorithm", id="no alg"),
        case(compact({**HEADER, "alg": "none"}), "bad_algorithm", id="none"),
        case(compact({**HEADER, "alg": "es256"}), "bad_algorithm", id="lower case"),
        case(compact({**HEADER, "alg": ["ES256"]}), "bad_algorithm", id="a list"),
        case(compact({**HEADER, "alg": "HS256"}), "bad_algorithm", id="HMAC"),
        case(compact({**HEADER, "crit": []}), "unsupported_header", id="crit"),
        case(compact({**HEADER, "b64": True}), "unsupported_header", id="b64"),
        case(compact({**HEADER, "zip": None}), "unsupported_header", id="zip"),
        case(compact({"alg": "ES256"}), "unknown_key", id="no kid"),
        case(compact({**HEADER, "kid": ""}), "unknown_key", id="an empty kid"),
        case(compact({**HEADER, "kid": None}), "unknown_key", id="null as kid"),
        case(compact({**HEADER, "kid": ["key-1"]}), "unknown_key", id="a list as kid"),
        case(compact({**HEADER, "kid": 1}), "unknown_key", id="a number as kid"),
        case(compact(b"[]"), "malformed", id="a header that is a list"),
    ],
)
def test_a_text_that_is_no_such_token_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RefusedTokenError) as caught:
        split(text)
    assert caught.value.reason == reason


@given(st.text(ALPHABET + ".=+/ \n", max_size=60) | st.text(max_size=60))
@example(compact())
def test_any_text_is_a_token_or_refused(text: str) -> None:
    try:
        parts = split(text)
    except RefusedTokenError:
        return
    assert parts.kid
    assert text.split(".")[1] == b64(parts.payload)


@given(st.binary(min_size=1, max_size=12), st.integers(0, 15), st.sampled_from(ALPHABET))
def test_a_token_has_one_spelling(payload: bytes, place: int, letter: str) -> None:
    """Else a token that is refused by its digest comes back in another spelling."""
    original = b64(payload)
    place %= len(original)
    changed = original[:place] + letter + original[place + 1 :]
    try:
        found = split(f"{H}.{changed}.{S}").payload
    except RefusedTokenError:
        return
    assert (found == payload) is (changed == original)


# ---------------------------------------------------------------- JSON

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(WORDS, JSON, max_size=4), st.booleans())
def test_an_object_is_read_as_it_was_written(value: dict[str, Any], ascii_only: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    assert read_object(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"null", b"[]", b'"text"', b"1", b"true", b"{", b"{}{}", b"{} x", b"{,}"),
        case(b'{"a": 1, "a": 1}', id="a name twice"),
        case(b'{"a": {"b": 1, "b": 2}}', id="a name twice, inside"),
        case(b'{"a": 1, "\\u0061": 2}', id="a name in two spellings"),
        case(b'{"a": NaN}', id="NaN"),
        case(b'{"a": [-Infinity]}', id="Infinity"),
        case(b'{"a": "\xff"}', id="not UTF-8"),
        case(b'{"a": "\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        case(b"\xef\xbb\xbf{}", id="a byte-order mark"),
        case('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        case('{"a": 1}'.encode("utf-32-le"), id="UTF-32"),
        case(b'{"a":' * 50_000, id="endless nesting"),
        case(b'{"a":' + b"9" * 5_000 + b"}", id="an endless number"),
        case(b"{'a': 1}", id="Python"),
        case(b'{"a": 1,}', id="a comma too many"),
        case(b'{"a": "\n"}', id="a line end in a string"),
        case(b"{}\x00", id="a NUL behind"),
    ],
)
def test_what_is_not_one_json_object_is_malformed(data: bytes) -> None:
    with pytest.raises(RefusedTokenError) as caught:
        read_object(data)
    assert caught.value.reason == "malformed"


@given(st.binary(max_size=40))
def test_any_bytes_are_an_object_or_refused(data: bytes) -> None:
    try:
        assert isinstance(read_object(data), dict)
    except RefusedTokenError as refused:
        assert refused.reason == "malformed"  # noqa: PT017 - either outcome is right


# ---------------------------------------------------------------- claims


@pytest.mark.parametrize("user_type", TYPES)
def test_each_type_of_user_is_let_in(user_type: UserType) -> None:
    assert verdict(claims_of(user_type)) == user_type


def test_issuer_audience_and_flags_must_agree_on_one_type() -> None:
    restrictions = (None, "anonymous", "email_not_verified", "a reason of tomorrow")
    admitted = set()
    for issuer, audience, anonymous, restricted, reason in itertools.product(
        TYPES, TYPES, (False, True), (False, True), restrictions
    ):
        payload = claims_of(
            iss=claims_of(issuer)["iss"],
            aud=claims_of(audience)["aud"],
            is_anonymous=anonymous,
            is_restricted=restricted,
            restricted_reason=reason and {"type": reason},
        )
        if (found := verdict(payload)) != "wrong_user_type":
            admitted.add((found, issuer, audience, anonymous, restricted, reason))
    assert admitted == {
        ("normal", "normal", "normal", False, False, None),
        *(
            ("restricted", "restricted", "restricted", False, True, reason)
            for reason in ("email_not_verified", "a reason of tomorrow")
        ),
        *(
            ("anonymous", "anonymous", "anonymous", True, True, reason)
            for reason in (None, "anonymous")
        ),
    }


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        *(
            case(without(name), "missing_claim", id=f"no {name}")
            for name in ("sub", "iss", "aud", "exp", "iat", "branch_id", "is_anonymous")
        ),
        *(
            case(without(name), "normal", id=f"an old token without {name}")
            for name in ("project_id", "is_restricted", "restricted_reason")
        ),
        case(
            without("is_restricted", "restricted_reason", user_type="anonymous"),
            "anonymous",
            id="an old guest",
        ),
        case({**without("branch_id"), "branchId": "main"}, "normal", id="an old name"),
        case({**without("branch_id"), "branchId": "dev"}, "wrong_branch", id="an old name, wrong"),
        case(claims_of(branch_id="dev", branchId="main"), "wrong_branch", id="the new name counts"),
        case(claims_of(branch_id="Main"), "wrong_branch", id="another branch"),
        case(claims_of(new_claim={"a": [1]}), "normal", id="a claim of tomorrow"),
        case(claims_of(sub="me"), "bad_claim_value", id="a word as user id"),
        case(claims_of(sub=""), "bad_claim_value", id="no user id"),
        case(claims_of(sub=USER_ID + "\n"), "bad_claim_value", id="a line end in it"),
        case(claims_of(sub=f"../users/{USER_ID}"), "bad_claim_value", id="a path in it"),
        case(claims_of(sub="\ud800"), "bad_claim_value", id="half a character"),
        case(claims_of(sub=1), "bad_claim_type", id="a number as user id"),
        case(claims_of(aud=[PROJECT_ID]), "bad_claim_type", id="a list of audiences"),
        case(claims_of(exp=str(NOW + 9)), "bad_claim_type", id="exp as text"),
        case(claims_of(exp=True), "bad_claim_type", id="exp true"),
        case(claims_of(iat=None), "bad_claim_type", id="iat null"),
        case(claims_of(nbf=None), "bad_claim_type", id="nbf null"),
        case(claims_of(exp=float("inf")), "bad_claim_value", id="no end"),
        case(claims_of(exp=10**30), "bad_claim_value", id="beyond all calendars"),
        case(claims_of(iat=-(10**30)), "bad_claim_value", id="before all calendars"),
        case(claims_of(is_anonymous=0), "bad_claim_type", id="0 for false"),
        case(claims_of(is_anonymous="false"), "bad_claim_type", id="false as text"),
        case(claims_of(is_restricted=0), "bad_claim_type", id="0 for false, too"),
        case(claims_of(restricted_reason="x"), "bad_claim_type", id="a reason as text"),
        case(claims_of(email_verified="yes"), "bad_claim_type", id="yes"),
        case(claims_of(iss=BASE), "wrong_issuer", id="the bare host"),
        case(claims_of(iss=claims_of()["iss"] + "/"), "wrong_issuer", id="an issuer and a slash"),
        case(
            claims_of(iss=claims_of()["iss"].replace("https", "http")), "wrong_issuer", id="no TLS"
        ),
        case(claims_of(aud="other"), "wrong_project", id="another project"),
        case(claims_of(aud=PROJECT_ID + "x"), "wrong_project", id="a longer project id"),
        case(claims_of(aud=PROJECT_ID + ":resource:x"), "wrong_audience", id="a resource's token"),
        case(claims_of(project_id="other"), "wrong_project", id="claims disagree"),
    ],
)
def test_claims_are_judged(payload: dict[str, Any], expected: str) -> None:
    before = json.dumps(payload)
    assert verdict(payload) == expected
    assert json.dumps(payload) == before  # the caller's payload stays as it is


def test_an_unknown_claim_is_kept_and_cannot_pose_as_a_known_answer() -> None:
    more = {"user_id": "x", "user_type": "normal", "new": [1]}
    claims = check_claims({**claims_of("anonymous"), **more}, RULES, NOW)
    assert (claims.user_id, claims.user_type) == (USER_ID, "anonymous")
    assert claims.model_extra == more


@given(
    iat=st.integers(-100, 100) | st.floats(-100, 100),
    nbf=st.none() | st.integers(-100, 100) | st.floats(-100, 100),
    exp=st.integers(-20, 100) | st.floats(-20, 100),
    leeway=st.integers(0, 10),
    skew=st.integers(0, 40),
)
@example(iat=0, nbf=None, exp=0, leeway=0, skew=0)
@example(iat=30, nbf=30, exp=31, leeway=5, skew=30)
@example(iat=0, nbf=31, exp=60, leeway=5, skew=30)
@example(iat=-50, nbf=None, exp=50, leeway=0, skew=0)
@example(iat=-50, nbf=None, exp=51, leeway=0, skew=0)
def test_leeway_is_for_the_end_and_clock_skew_for_the_beginning(
    iat: float, nbf: float | None, exp: float, leeway: int, skew: int
) -> None:
    rules = TokenRules(PROJECT_ID, RULES.issuers, leeway, skew, max_lifetime=100)
    times: dict[str, float] = {"iat": NOW + iat, "exp": NOW + exp}
    if nbf is not None:
        times["nbf"] = NOW + nbf
    expected = "normal"
    if times["exp"] - times["iat"] > 100:
        expected = "bad_claim_value"
    if any(times.get(name, 0) > NOW + skew for name in ("iat", "nbf")):
        expected = "not_yet_valid"
    if times["exp"] + leeway <= NOW:
        expected = "expired"
    assert verdict({**claims_of(), **times}, NOW, rules) == expected


def test_every_base_has_an_issuer_for_each_type() -> None:
    assert issuers_of("p", ["https://a", "https://b"]) == {
        f"https://{host}/api/v1/{PATHS[user_type]}/p": user_type
        for host in "ab"
        for user_type in TYPES
    }


# ---------------------------------------------------------------- what it says of itself


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"\xff", b'{"iss": 7, "aud": ["x"]}', b'{"iss": "x", "iss": "y"}']
)
def test_a_payload_that_cannot_be_read_names_no_project(payload: bytes) -> None:
    assert not is_of_another_project(payload, "ours")
    assert issuer_base(payload) == ""


def test_another_project_is_named_by_issuer_and_audience_alike() -> None:
    def named(iss: str, aud: str) -> bool:
        return is_of_another_project(json.dumps({"iss": iss, "aud": aud}).encode(), "ours")

    base = "https://stack.test/api/v1/projects"
    assert named(f"{base}/theirs", "theirs")
    assert named(f"{base}-anonymous-users/theirs", "theirs:anon")
    assert not named(f"{base}/theirs", "others")
    assert not named(f"{base}/ours", "ours")
    assert not named("https://issuer.test", "theirs")
    assert not named(f"{base}/theirs/oidc", "theirs")
