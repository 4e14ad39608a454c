"""What one look sees of the headers, against the reader that takes its time; likewise `split`."""

from __future__ import annotations

import base64
import json
import string

import pytest
from hypothesis import example, given, strategies as st
from pydantic import SecretStr

from stack_fastapi.tokens.claims import MAX_TOKEN_LENGTH, RefusedTokenError, TokenParts, split
from stack_fastapi.tokens.credentials import MAX_CREDENTIAL_LENGTH, CredentialReader
from stack_fastapi.types import TokenSource

SOURCES: tuple[TokenSource, ...] = ("header", "bearer", "stack_auth", "cookie", "subprotocol")
NAMES = (
    b"authorization",
    b"x-stack-access-token",
    b"x-hexclave-access-token",
    b"x-stack-auth",
    b"cookie",
    b"sec-websocket-protocol",
    b"x-api-key",
    b"Authorization",
    b"host",
)
BASE64URL = string.ascii_letters + string.digits + "-_"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


HEADER = encoded(b'{"alg":"ES256","kid":"k"}')
TOKENS = tuple(
    f"{HEADER}.{encoded(payload)}.{encoded(bytes(64))}" for payload in (b"{}", b"[1]", b"no JSON")
)

words = st.sampled_from(
    [
        b"",
        *(token.encode() for token in TOKENS),
        b"sk_key",
        b"stackauth_" + base64.b64encode(json.dumps({"accessToken": TOKENS[0]}).encode()),
        b"hexclave_e30=",
        json.dumps({"accessToken": TOKENS[0]}).encode(),
        b"stack-access=%5B%22r%22%2C%22t%22%5D",
        b"stack-auth, stack.access-token." + TOKENS[0].encode(),
        b"a" * MAX_CREDENTIAL_LENGTH,
        b"a" * (MAX_CREDENTIAL_LENGTH + 1),
    ]
) | st.binary(max_size=12)
spaces = st.sampled_from([b"", b" ", b"  ", b"\t", b" \t", b"\0", b"\r\n", b"\xa0"])
schemes = st.sampled_from(
    [b"", b"Bearer", b"bearer", b"BEARER", b"Bearer,", b"Basic", b"bearers", b"\xe2\x84\xaabearer"]
)
values = st.tuples(spaces, schemes, spaces, words, spaces).map(b"".join)
headers = st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=4)
sources = st.lists(st.sampled_from(SOURCES), min_size=1, unique=True)


def is_token(text: bytes) -> bool:
    """Whether a text can be a token that was ever found good; no decision is kept of others."""
    try:
        split(text.decode("latin-1"))
    except RefusedTokenError:
        return False
    return True


@given(headers, sources, st.sampled_from(["GET", "POST"]))
@example([(b"authorization", b"Bearer " + TOKENS[0].encode())], ["bearer"], "GET")
@example([(b"x-stack-access-token", b" " + TOKENS[0].encode())], ["header"], "GET")
@example([(b"authorization", b"Bearer  " + TOKENS[0].encode())], ["bearer"], "GET")
@example([(b"x-stack-access-token", b" ")], ["header"], "GET")
@example([(b"cookie", b"a=b")], ["cookie"], "POST")
@example([(b"cookie", TOKENS[0].encode())], ["cookie"], "GET")
@example([(b"x-stack-auth", TOKENS[0].encode())], ["stack_auth"], "GET")
@example([(b"authorization", b"bearers" + TOKENS[0].encode())], ["bearer"], "GET")
@example([(b"authorization", TOKENS[0].encode())], ["bearer"], "GET")
def test_one_look_sees_the_token_that_the_reader_finds_and_no_guest_in_its_place(
    found: list[tuple[bytes, bytes]], places: list[TokenSource], method: str
) -> None:
    reader = CredentialReader(places, ["https://app.example"])
    plain = reader.find_plain(found)
    credential = reader.find({"type": "http", "method": method, "headers": found})
    if plain == b"":
        assert credential is None
    elif plain is not None and is_token(plain):
        assert credential == SecretStr(plain.decode())


@given(st.sampled_from(TOKENS), st.sampled_from(TOKENS), st.data())
def test_two_headers_for_tokens_are_never_decided_about_at_one_look(
    one: str, other: str, data: st.DataObject
) -> None:
    forms = [
        (b"authorization", b"Bearer %s"),
        (b"x-stack-access-token", b"%s"),
        (b"x-hexclave-access-token", b"%s"),
    ]
    first, second = (data.draw(st.sampled_from(forms)) for _ in range(2))
    sent = [(first[0], first[1] % one.encode()), (second[0], second[1] % other.encode())]
    between = data.draw(st.lists(st.just((b"host", b"a")), max_size=2))
    reader = CredentialReader(("header", "bearer"))
    assert reader.find_plain([sent[0], *between, sent[1]]) is None


@given(st.text(min_size=1, max_size=40, alphabet=BASE64URL + ". \t"), st.booleans())
def test_one_look_takes_a_plain_token_whole(text: str, bearer: bool) -> None:  # noqa: FBT001 - drawn
    value = text.encode()
    header = (b"authorization", b"bEaReR " + value) if bearer else (b"x-stack-access-token", value)
    assert CredentialReader(("header", "bearer")).find_plain([header]) == value


# ---------------------------------------------------------------- split


def strictly_decoded(part: str) -> bytes | None:
    """RFC 4648, section 5, by the book: only what its own encoding gives back is canonical."""
    if not part or set(part) - set(BASE64URL) or len(part) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    return data if encoded(data) == part else None


def reference(token: str) -> tuple[str, bytes, bytes, bytes] | None:
    """What a strict reader makes of a token; None where it refuses."""
    parts = [strictly_decoded(part) for part in token.split(".")]
    if len(token) > MAX_TOKEN_LENGTH or len(parts) != 3 or None in parts:
        return None
    header, payload, signature = (part or b"" for part in parts)
    try:
        pairs = json.loads(header.decode(), object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    is_object = header.lstrip(b" \t\r\n").startswith(b"{")
    names = [name for name, _ in pairs] if is_object else []
    said = dict(pairs) if is_object else {}
    kid = said.get("kid")
    if len(set(names)) != len(names) or said.get("alg") != "ES256":
        return None
    if {"crit", "b64", "zip"} & set(names) or not isinstance(kid, str) or not kid:
        return None
    return (
        (kid, payload, token.rpartition(".")[0].encode(), signature)
        if len(signature) == 64
        else None
    )


def outcome(token: str) -> tuple[str, bytes, bytes, bytes] | None:
    try:
        parts: TokenParts = split(token)
    except RefusedTokenError:
        return None
    return parts.kid, parts.payload, parts.signed, parts.signature


header_texts = st.sampled_from(
    [
        '{"alg":"ES256","kid":"k"}',
        ' {"kid":"ü","alg":"ES256","typ":"JWT"} ',
        '{"alg":"ES256","kid":"\\u0000"}',
        '{"alg":"ES256","alg":"ES256","kid":"k"}',
        '{"alg":"ES256","kid":"k","crit":[]}',
        '{"alg":"ES256","kid":""}',
        '{"alg":"none","kid":"k"}',
        '[["alg","ES256"],["kid","k"]]',
        '{"alg":"ES256","kid":"k"}{}',
        "[" * 2000,
    ]
).map(str.encode)
header_bytes = header_texts | header_texts.map(lambda text: b"\xef\xbb\xbf" + text)
honest = st.builds(
    lambda *parts: ".".join(map(encoded, parts)),
    header_bytes,
    st.binary(min_size=1, max_size=9),
    st.sampled_from([bytes(64), bytes(63), bytes(65), bytes(range(64))]),
)
odd = st.sampled_from(["", ".", "=", "A", "B", "_", "/", "+", " ", "\n", "\0", "é", "K", "\ud800"])


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """A token with a character put in, or one in place of another."""
    token, character = draw(honest), draw(odd)
    place = draw(st.integers(0, len(token)) | st.just(len(token)) | st.just(len(token) - 1))
    return token[:place] + character + token[place + draw(st.integers(0, 1)) :]


@given(honest | spoiled() | st.text(max_size=20))
@example("a" * (MAX_TOKEN_LENGTH + 1))
@example(f"{HEADER}.AB.{encoded(bytes(64))}")
@example(f"{HEADER}.AAB.{encoded(bytes(64))}")
@example(f"{HEADER}.AI.{encoded(bytes(64))}")
@example(f"{HEADER}.AAC.{encoded(bytes(64))}")
@example(f"{HEADER}.AQ.{encoded(bytes(64))}")
@example(f"{HEADER}.AAE.{encoded(bytes(64))}")
@example(f"{HEADER}.A.{encoded(bytes(64))}")
@example(f"{HEADER}..{encoded(bytes(64))}")
def test_a_token_is_taken_apart_as_by_a_strict_reader(token: str) -> None:
    assert outcome(token) == reference(token)


@pytest.mark.parametrize("beyond", [0, 1])
def test_the_longest_token_that_is_read_has_that_many_characters(beyond: int) -> None:
    rest = MAX_TOKEN_LENGTH - len(HEADER) - len(encoded(bytes(64))) - 2 + beyond
    payload = "A" * rest
    token = f"{HEADER}.{payload}.{encoded(bytes(64))}"
    assert (outcome(token) is not None) == (beyond == 0) == (reference(token) is not None)
