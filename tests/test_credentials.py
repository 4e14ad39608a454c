"""Where a request carries its token: every form, and every way to confuse the reader."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import SecretStr

from stack_fastapi import AmbiguousCredentialsError, CredentialsError, InvalidTokenError
from stack_fastapi.tokens.credentials import MAX_CREDENTIAL_LENGTH, CredentialReader
from stack_fastapi.types import TokenSource

case = pytest.param

TOKEN, OTHER, REFRESH = "aaaa.bbbb-_.cccc", "dddd.eeee.ffff", "refresh-token-that-stays-out"
DEFAULT: tuple[TokenSource, ...] = ("header", "bearer")
ALL: tuple[TokenSource, ...] = (*DEFAULT, "stack_auth", "cookie", "subprotocol")
OWN = "https://app.example.com"
LONGEST = "x" * MAX_CREDENTIAL_LENGTH
NESTED = "[" * 4000

Header = tuple[str, str | bytes]
Text = tuple[str, str]
MALFORMED, TOO_LARGE, AMBIGUOUS = "malformed", "too_large", "ambiguous"


def scope(*headers: Header, method: str = "GET") -> dict[str, Any]:
    encoded = [
        (name.encode(), value.encode() if isinstance(value, str) else value)
        for name, value in headers
    ]
    return {"type": "http", "method": method, "headers": encoded}


def websocket(*headers: Header) -> dict[str, Any]:
    found = scope(*headers)
    del found["method"]
    return {**found, "type": "websocket"}


def find(
    sent: dict[str, Any], *sources: TokenSource, origins: tuple[str, ...] = (OWN,)
) -> str | None:
    """The token, or None, or in words what was wrong."""
    found = CredentialReader(sources or ALL, origins).find(sent)
    if isinstance(found, SecretStr):
        return found.get_secret_value()
    if isinstance(found, InvalidTokenError):
        return found.reason
    return None if found is None else AMBIGUOUS


def pair(token: object = TOKEN) -> str:
    return json.dumps({"accessToken": token, "refreshToken": REFRESH})


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def cookie(token: object = TOKEN, name: str = "stack-access") -> Text:
    value = json.dumps([REFRESH, token], separators=(",", ":"))
    return "cookie", f"{name}=" + value.replace('"', "%22").replace(",", "%2C")


def header(value: str | bytes = TOKEN) -> Header:
    return "x-stack-access-token", value


def bearer(credential: str = TOKEN, scheme: str = "Bearer") -> Text:
    return "authorization", f"{scheme} {credential}"


#: Each form of sending one token.
FORMS: dict[str, Callable[[str], Text]] = {
    "x-stack-access-token": lambda token: ("x-stack-access-token", token),
    "x-hexclave-access-token": lambda token: ("x-hexclave-access-token", token),
    "bearer": bearer,
    "stackauth": lambda token: bearer("stackauth_" + b64(pair(token))),
    "hexclave": lambda token: bearer("hexclave_" + b64(pair(token))),
    "x-stack-auth": lambda token: ("x-stack-auth", pair(token)),
    "stack cookie": cookie,
    "hexclave cookie": lambda token: cookie(token, "__Host-hexclave-access"),
    "subprotocol": lambda token: (
        "sec-websocket-protocol",
        f"stack-auth, stack.access-token.{token}",
    ),
}
each_form = pytest.mark.parametrize("form", FORMS)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        # ------------------------------------------------ nothing for us
        case([], None, id="no header"),
        case([("accept", "*/*"), ("x-token", TOKEN)], None, id="other headers"),
        case([header("")], None, id="an empty token header counts as absent"),
        case([header(" \t ")], None, id="a blank token header, too"),
        case([("x-stack-auth", "")], None, id="an empty X-Stack-Auth"),
        case([("x-stack-auth", pair(None))], None, id="the client says: signed out"),
        case([bearer("stackauth_" + b64(pair(None)))], None, id="the same as Bearer"),
        case([bearer("dXNlcjpwYXNz", "Basic")], None, id="another scheme"),
        case([bearer(TOKEN, "BearerToken")], None, id="a longer scheme"),
        case([bearer(TOKEN, "Bearer-v2")], None, id="a longer scheme with a hyphen"),
        case([("authorization", "")], None, id="an empty Authorization"),
        case([("cookie", "")], None, id="no cookies"),
        case([("cookie", "stack-access=")], None, id="an emptied cookie"),
        case([("cookie", "a=b; stack-access; ;=;;")], None, id="odd cookies"),
        # ------------------------------------------------ the scheme in any case, white space
        case([bearer(TOKEN, "bEARER")], TOKEN, id="any case of the scheme"),
        case([bearer(f"   {TOKEN}  ")], TOKEN, id="more spaces behind the scheme"),
        case([header(f"\t{TOKEN} ")], TOKEN, id="white space around a header"),
        case([("cookie", f" a=b;{cookie()[1]}; c=d")], TOKEN, id="among cookies"),
        case([("cookie", "a=b"), cookie(), ("cookie", "c=d")], TOKEN, id="cookies split by HTTP/2"),
        case(
            [bearer("dXNlcjpwYXNz", "Basic"), header()], TOKEN, id="another scheme beside a token"
        ),
        # ------------------------------------------------ two that agree, two that differ
        case([header(), bearer()], TOKEN, id="two sources that agree"),
        case([header(), bearer(OTHER)], AMBIGUOUS, id="header and bearer differ"),
        case([bearer(), cookie(OTHER)], AMBIGUOUS, id="bearer and cookie differ"),
        case([cookie(), cookie(OTHER)], AMBIGUOUS, id="two cookies that differ"),
        case([cookie(), cookie()], TOKEN, id="the same cookie twice"),
        case([cookie(), cookie(OTHER, "__Host-stack-access")], AMBIGUOUS, id="a tossed cookie"),
        case([header(), ("x-hexclave-access-token", OTHER)], AMBIGUOUS, id="both names differ"),
        case([header(), ("x-stack-auth", pair(OTHER))], AMBIGUOUS, id="header and JSON differ"),
        case(
            [("x-stack-auth", f'{{"accessToken": "{TOKEN}", "accessToken": "{OTHER}"}}')],
            MALFORMED,
            id="two tokens in one JSON object",
        ),
        case([header(), header(OTHER)], AMBIGUOUS, id="a header repeated"),
        case([header(), header()], AMBIGUOUS, id="a header repeated with one value"),
        case([header(), header("")], AMBIGUOUS, id="a header repeated, once empty"),
        case([bearer(), bearer()], AMBIGUOUS, id="Authorization repeated"),
        case([bearer(), bearer("x", "Basic")], AMBIGUOUS, id="two schemes"),
        case([("x-stack-auth", pair()), ("x-stack-auth", pair())], AMBIGUOUS, id="JSON repeated"),
        # ------------------------------------------------ meant for us and unreadable
        case([bearer("")], MALFORMED, id="Bearer and nothing"),
        case([("authorization", "bearer")], MALFORMED, id="Bearer alone"),
        *(
            case([("authorization", f"Bearer{between}{TOKEN}")], MALFORMED, id=f"Bearer{between!r}")
            for between in ("\t", "\t ", ",", ", ", "=", ":", ";", '"', "/", "\x0b", "\xa0")
        ),
        case([header("tökén")], MALFORMED, id="beyond ASCII"),
        case([header(b"\xff\xfe")], MALFORMED, id="no text at all"),
        case([bearer("\uff41.\uff42.\uff43")], MALFORMED, id="full-width letters"),
        case([bearer("stackauth_")], MALFORMED, id="nothing encoded"),
        case([bearer("stackauth_" + TOKEN)], MALFORMED, id="a JWT in place of base64"),
        case([bearer("stackauth_" + b64("no JSON"))], MALFORMED, id="not JSON"),
        case([bearer("stackauth_" + b64(b"\xff{}"))], MALFORMED, id="not UTF-8"),
        case([bearer("stackauth_" + b64(pair().encode("utf-16")))], MALFORMED, id="UTF-16"),
        case([bearer("stackauth_" + b64(pair())[:-4])], MALFORMED, id="base64 cut short"),
        case([bearer("stackauth_" + b64(pair() + "  ").rstrip("="))], MALFORMED, id="no padding"),
        case([bearer("stackauth_" + b64(pair()) + "AAAA")], MALFORMED, id="base64 and more"),
        case(
            [bearer("stackauth_" + b64(pair())[:8] + " " + b64(pair())[8:])],
            MALFORMED,
            id="a space in base64",
        ),
        case([("x-stack-auth", NESTED)], MALFORMED, id="deep nesting"),
        case([("x-stack-auth", "1" * 5000)], MALFORMED, id="a number without end"),
        case([("x-stack-auth", "null")], MALFORMED, id="JSON null"),
        case([("x-stack-auth", "{}")], MALFORMED, id="no accessToken"),
        case([("x-stack-auth", TOKEN)], MALFORMED, id="a token in place of JSON"),
        case([("x-stack-auth", pair(""))], MALFORMED, id="an empty accessToken"),
        case([("x-stack-auth", pair(1))], MALFORMED, id="a number as accessToken"),
        case([("x-stack-auth", pair([TOKEN]))], MALFORMED, id="a list as accessToken"),
        case([("cookie", "stack-access=x")], MALFORMED, id="a cookie without JSON"),
        case([("cookie", f"stack-access={NESTED}")], MALFORMED, id="a nested cookie"),
        case([("cookie", "stack-access={}")], MALFORMED, id="an object as cookie"),
        case([("cookie", 'stack-access=["a"]')], MALFORMED, id="a short list"),
        case([("cookie", 'stack-access=["a","b","c"]')], MALFORMED, id="a long list"),
        case([cookie(None)], MALFORMED, id="null in a cookie"),
        case([cookie(""), header()], MALFORMED, id="no token in a cookie"),
        # ------------------------------------------------ size
        case([header(LONGEST)], LONGEST, id="as long as it may be"),
        case([header(LONGEST + "x")], TOO_LARGE, id="one byte more"),
        case([header(b"\xff" * 9000)], TOO_LARGE, id="size before text"),
        case([bearer(LONGEST + "x")], TOO_LARGE, id="a Bearer that is too long"),
        case([bearer("stackauth_" + LONGEST)], TOO_LARGE, id="size before base64"),
        case([("x-stack-auth", NESTED * 3)], TOO_LARGE, id="size before JSON"),
        case([("cookie", "stack-access=" + NESTED * 3)], TOO_LARGE, id="size of a cookie"),
        case(
            [("cookie", f"a={LONGEST * 9}; {cookie()[1]}")], TOKEN, id="others' cookies are large"
        ),
        case([("cookie", "a=b; " * 20_000)], None, id="very many cookies"),
    ],
)
def test_a_request_is_read_as(sent: list[Header], expected: str | None) -> None:
    assert find(scope(*sent)) == expected


@each_form
def test_a_form_is_read_where_its_source_is_on_and_nowhere_else(form: str) -> None:
    on: dict[str, TokenSource] = {
        "x-stack-auth": "stack_auth",
        "stack cookie": "cookie",
        "hexclave cookie": "cookie",
        "subprotocol": "subprotocol",
    }
    source = on.get(form, "header" if form.startswith("x-") else "bearer")
    sent = websocket(FORMS[form](TOKEN), ("origin", OWN))
    assert find(sent, source) == TOKEN
    assert find(sent, *(set(ALL) - {source})) is None


@pytest.mark.parametrize("repeated", [header(), bearer(), ("x-stack-auth", pair())])
def test_a_header_that_no_source_reads_may_be_repeated(repeated: Header) -> None:
    assert find(scope(repeated, repeated), "cookie") is None


@pytest.mark.parametrize(
    "name",
    [
        *("stack-refresh-access", "Stack-Access", "xstack-access", "stack-access-", "__host-stack"),
        # Cookies with names that only white space beyond RFC 6265's tells apart get past the
        # browser's rules for prefixes.
        *("\xa0stack-access", "\x85__Host-stack-access", "stack-access\x1c", "\x0bstack-access"),
    ],
)
def test_a_cookie_with_a_similar_name_does_not_count(name: str) -> None:
    sent = ("cookie", cookie(name=name)[1].encode("latin-1"))
    assert find(scope(sent)) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "FOO", "get"])
@pytest.mark.parametrize(
    ("origins", "expected"),
    [
        case([OWN], TOKEN, id="own page"),
        case(["HTTPS://APP.example.com"], TOKEN, id="in capitals"),
        case([], None, id="no origin"),
        case(["null"], None, id="a sandbox"),
        case(["https://evil.example"], None, id="another page"),
        case(["http://app.example.com"], None, id="no TLS"),
        case([OWN + ":8443"], None, id="another port"),
        case([OWN + ".evil.example"], None, id="a longer host"),
        case([OWN + "/"], None, id="a slash"),
        case([f"{OWN}, https://evil.example"], None, id="two in one header"),
        case([OWN, OWN], None, id="sent twice"),
        case(["https://äpp.example.com"], None, id="beyond ASCII"),
        case([OWN + "x" * 9000], None, id="endless"),
    ],
)
def test_a_cookie_counts_for_an_unsafe_request_of_an_allowed_page_only(
    method: str, origins: list[str], expected: str | None
) -> None:
    headers = [cookie(), *(("origin", origin) for origin in origins)]
    assert find(scope(*headers, method=method)) == expected
    assert find(websocket(*headers)) == expected
    # A credential that no page can make a browser send is read all the same.
    assert find(scope(bearer(), *headers, method=method)) == TOKEN


class Counted(list[tuple[bytes, bytes]]):
    """Headers that know how often somebody went through them."""

    passes = 0

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        self.passes += 1
        return super().__iter__()


def test_very_many_cookie_headers_do_not_cost_more_each() -> None:
    """Some servers set no limit to them: work that grows with their square stops the loop."""
    passes = set()
    for times in (1, 50):
        sent = scope(*[cookie()] * times, ("origin", OWN), method="POST")
        sent["headers"] = Counted(sent["headers"])
        assert find(sent) == TOKEN
        passes.add(sent["headers"].passes)
    assert len(passes) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
def test_a_cookie_counts_for_a_safe_request_whoever_makes_it(method: str) -> None:
    assert find(scope(cookie(), ("origin", "https://evil.example"), method=method)) == TOKEN


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        case(["stack-auth, stack.access-token." + TOKEN], TOKEN, id="in one header"),
        case(["stack-auth", "stack.access-token." + TOKEN], TOKEN, id="in two"),
        case(["chat,stack.access-token." + TOKEN], TOKEN, id="among others"),
        case(["stack-auth"], None, id="no token"),
        case(["stack.access-token"], None, id="no dot"),
        case(["STACK.ACCESS-TOKEN." + TOKEN], None, id="capitals are another word"),
        case([f"stack.access-token.{TOKEN}/x"], TOKEN + "/x", id="as it was sent"),
        case(["stack.access-token."], MALFORMED, id="an empty token"),
        case(["stack.access-token.é"], MALFORMED, id="beyond ASCII"),
        case(["stack.access-token." + LONGEST + "x"], TOO_LARGE, id="too long"),
        case(
            [f"stack.access-token.{TOKEN}, stack.access-token.{OTHER}"], AMBIGUOUS, id="two tokens"
        ),
        case([f"stack.access-token.{TOKEN}"] * 2, TOKEN, id="one token twice"),
    ],
)
def test_subprotocols_are_read_as(values: list[str], expected: str | None) -> None:
    assert find(websocket(*(("sec-websocket-protocol", value) for value in values))) == expected


def test_a_subprotocol_counts_on_a_websocket_only() -> None:
    assert find(scope(FORMS["subprotocol"](TOKEN))) is None


def test_an_error_shows_nothing_of_what_was_sent() -> None:
    """It comes back as a value, so that no traceback leads to the headers."""
    for sent in ([header(TOKEN + "é")], [header(), bearer(OTHER)], [cookie([TOKEN])]):
        error = CredentialReader(ALL).find(scope(*sent))
        assert isinstance(error, CredentialsError)
        assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)
        shown = "".join(traceback.format_exception(error)) + repr(vars(error))
        assert not any(secret in shown for secret in (TOKEN, OTHER, REFRESH))


# ---------------------------------------------------------------- whatever is sent

HEADERS = (
    *("authorization", "cookie", "origin", "sec-websocket-protocol", "x-stack-access-token"),
    *("x-hexclave-access-token", "x-stack-auth", "accept"),
)
NAMES = st.sampled_from(HEADERS)
FRAGMENTS = (
    *("Bearer ", "stackauth_", "stack-access=", "stack.access-token.", "a.b.c", "null"),
    *(b64(pair()), pair(), "=", ";", ",", "[", '"', "%22", "%", "\xa0", "\x00"),
)
PIECES = st.sampled_from([fragment.encode("latin-1") for fragment in FRAGMENTS])
VALUES = st.lists(PIECES | st.binary(max_size=8), max_size=8).map(b"".join)
TEXTS = st.text("abcXYZ019-_.", min_size=1, max_size=99)


@given(
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=4), method=st.sampled_from(["GET", "PUT"])
)
def test_whatever_is_sent_something_of_three_kinds_comes_back(
    headers: list[Header], method: str
) -> None:
    for sent in (scope(*headers, method=method), websocket(*headers)):
        found = CredentialReader(ALL, (OWN,)).find(sent)
        assert found is None or isinstance(
            found, (SecretStr, InvalidTokenError, AmbiguousCredentialsError)
        )
        if isinstance(found, SecretStr):
            assert 0 < len(found.get_secret_value()) <= MAX_CREDENTIAL_LENGTH


@given(
    token=TEXTS,
    other=TEXTS,
    form=st.sampled_from(sorted(FORMS)),
    extra=st.sampled_from(sorted(FORMS)),
)
def test_what_is_found_is_exactly_what_was_sent(
    token: str, other: str, form: str, extra: str
) -> None:
    sent = [FORMS[form](token), ("origin", OWN), ("accept", "*/*")]
    assert find(websocket(*sent)) == token
    if FORMS[form](token)[0] != FORMS[extra](other)[0]:
        expected = token if token == other else AMBIGUOUS
        assert find(websocket(*sent, FORMS[extra](other))) == expected
