"""Step 1 of 5: which header, cookie or subprotocol carries the access token.

Bytes in, value out: whether the token is any good is not judged here. ``None`` means that nothing
was sent for us; an error means that something was, and cannot be read. Several places that carry
the same token are fine, two that differ are refused, and so is a header that was sent twice:
whoever put the second one there should not get to choose which of them counts.

Some forms carry the user's refresh token as well. It is dropped where it is read.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from pydantic import SecretStr

from stack_fastapi.exceptions import (
    AmbiguousCredentialsError,
    CredentialsError,
    InvalidApiKeyError,
    InvalidTokenError,
    TokenReason,
)
from stack_fastapi.tokens.api_key_format import is_meant_as_api_key
from stack_fastapi.types import TokenSource

#: Longest credential that is read, in bytes.
MAX_CREDENTIAL_LENGTH = 8192
#: The subprotocol that a browser offers beside the one with its token, and gets answered.
SUBPROTOCOL = "stack-auth"
#: What stands in front of the token in the other one.
TOKEN_SUBPROTOCOL_PREFIX = "stack.access-token."  # noqa: S105 - a name, not a secret

_API_KEY_HEADER = b"x-api-key"
_PAIR_PREFIXES = ("stackauth_", "hexclave_")
_TOKEN_SUBPROTOCOL_BYTES = TOKEN_SUBPROTOCOL_PREFIX.encode()
_COOKIES = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "__Host-", "__Secure-")
    for name in ("stack-access", "hexclave-access")
)
# The headers whose value is a token, or a token behind a word of so many bytes ("Bearer ").
_PREFIX_LENGTHS = {b"x-stack-access-token": 0, b"x-hexclave-access-token": 0, b"authorization": 7}
# Headers that may come more than once and mean one list then.
_LISTS = frozenset({b"cookie", b"sec-websocket-protocol"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, section 9.2.1

# The whole of a scheme's name (a token of RFC 9110, section 5.6.2), whatever stands behind it.
_SCHEME = re.compile(rb"bearer(?![!#$%&'*+.^_`|~0-9a-z-])", re.IGNORECASE)

#: Reads the tokens in a header's value; none where it holds nothing for us.
_Parser = Callable[[bytes], Sequence[str]]


class _UnreadableError(Exception):
    """A credential that is meant for us and cannot be read."""

    def __init__(self, reason: TokenReason) -> None:
        super().__init__(reason)
        self.reason: TokenReason = reason


class _RepeatedError(Exception):
    """A header that was sent more than once."""


class CredentialReader:
    """Finds the access token of a request.

    Args:
        sources: where to look.
        allowed_origins: origins whose pages may use cookies where a request changes something.
    """

    def __init__(self, sources: Sequence[TokenSource], allowed_origins: Sequence[str] = ()) -> None:
        self._parsers = {
            header: parser for source in sources for header, parser in _PARSERS[source].items()
        }
        self._allowed_origins = frozenset(allowed_origins)
        # How long the word before a plain token is; None where a header takes a closer look.
        self._plain = {header: _PREFIX_LENGTHS.get(header) for header in self._parsers}

    def find_plain(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """The one access token among headers where one look is enough to see it.

        Returns:
            What stands where a token's text does; empty where there is no credential at all, and
            None where ``find`` has to look: several headers, cookies, and other schemes. Whether it
            is a token is not judged: only the text of one that was, as it is, leads anywhere.
        """
        text = b""
        plain = self._plain
        for name, value in headers:
            if name in plain:
                start = plain[name]
                if text or start is None or (start and value[:start].lower() != b"bearer "):
                    return None
                text = value[start:]
                if not text or len(text) > MAX_CREDENTIAL_LENGTH:
                    return None
        return text

    def find(
        self, scope: Mapping[str, Any], *, beside_api_key: bool = False
    ) -> SecretStr | CredentialsError | None:
        """The access token of an ASGI scope (http or websocket); None where there is none.

        An error comes back as a value: raised in here, its traceback would hold the headers.

        Args:
            scope: of the request.
            beside_api_key: leave an API key out that stands where a token may; else it counts as a
                token, and as one that is no good.

        Returns:
            ``AmbiguousCredentialsError`` for two tokens that differ or a header sent twice,
            ``InvalidTokenError`` for a credential that is too large or cannot be read.
        """
        try:
            tokens = self._tokens(scope, beside_api_key=beside_api_key)
        except _UnreadableError as error:
            return InvalidTokenError(error.reason)
        except _RepeatedError:
            return AmbiguousCredentialsError()
        return _only_one_of(tokens)

    def find_api_key(self, scope: Mapping[str, Any]) -> SecretStr | CredentialsError | None:
        """The API key of an ASGI scope: in ``X-API-Key``, or as Bearer where tokens may be there.

        Returns:
            ``AmbiguousCredentialsError`` for two that differ or a header sent twice,
            ``InvalidApiKeyError`` for one that is too large or cannot be read.
        """
        try:
            keys = self._api_keys(scope)
        except _UnreadableError:
            return InvalidApiKeyError()
        except _RepeatedError:
            return AmbiguousCredentialsError()
        return _only_one_of(keys)

    def _api_keys(self, scope: Mapping[str, Any]) -> list[str]:
        keys: list[str] = []
        seen: set[bytes] = set()
        for name, value in scope["headers"]:
            if name == _API_KEY_HEADER:
                found = _plain(value.strip(b" \t"))
            elif name == b"authorization" and name in self._parsers:
                found = [text for text in _bearer(value.strip(b" \t")) if is_meant_as_api_key(text)]
            else:
                continue
            if name in seen:
                raise _RepeatedError
            seen.add(name)
            keys += found
        return keys

    def _tokens(self, scope: Mapping[str, Any], *, beside_api_key: bool) -> list[str]:
        tokens: list[str] = []
        seen: set[bytes] = set()
        cookies_count = b"cookie" in self._parsers and self._cookies_count(scope)
        for name, value in scope["headers"]:
            parser = self._parsers.get(name)
            if parser is None or (name == b"cookie" and not cookies_count):
                continue
            if name == b"sec-websocket-protocol" and scope["type"] != "websocket":
                continue
            if name in seen and name not in _LISTS:
                raise _RepeatedError
            seen.add(name)
            found = parser(value.strip(b" \t"))
            if beside_api_key and name == b"authorization":
                found = [text for text in found if not is_meant_as_api_key(text)]
            tokens += found
        return tokens

    def _cookies_count(self, scope: Mapping[str, Any]) -> bool:
        """Browsers send cookies with anybody's requests: those that act must name their origin."""
        if scope["type"] == "http" and scope["method"] in _SAFE_METHODS:
            return True
        origins = [value for key, value in scope["headers"] if key == b"origin"]
        return len(origins) == 1 and origins[0].decode("latin-1").lower() in self._allowed_origins


def _only_one_of(texts: Sequence[str]) -> SecretStr | AmbiguousCredentialsError | None:
    """The credential that all places agree on."""
    if not texts:
        return None
    if texts.count(texts[0]) != len(texts):
        return AmbiguousCredentialsError()
    return SecretStr(texts[0])


# ---------------------------------------------------------------- a parser for each header


def _plain(value: bytes) -> Sequence[str]:
    return (_text(value),) if value else ()


def _bearer(value: bytes) -> Sequence[str]:
    scheme = _SCHEME.match(value)
    if scheme is None:  # another scheme is none of our business
        return ()
    credential = value[scheme.end() :]
    text = _text(credential.strip(b" "))
    if not text or not credential.startswith(b" "):
        raise _UnreadableError("malformed")
    for prefix in _PAIR_PREFIXES:
        if text.startswith(prefix):
            return _access_token_of(_decode_base64(text.removeprefix(prefix)))
    return (text,)


def _stack_auth(value: bytes) -> Sequence[str]:
    return _access_token_of(_text(value)) if value else ()


def _cookies(value: bytes) -> Sequence[str]:
    pairs = (pair.partition("=") for pair in value.decode("latin-1").split(";"))
    values = [content.strip(" \t") for name, _, content in pairs if name.strip(" \t") in _COOKIES]
    return [_access_token_of_cookie(content) for content in values if content]


def _subprotocols(value: bytes) -> Sequence[str]:
    words = map(bytes.strip, value.split(b","))
    return [
        _as_token(_text(word.removeprefix(_TOKEN_SUBPROTOCOL_BYTES)))
        for word in words
        if word.startswith(_TOKEN_SUBPROTOCOL_BYTES)
    ]


_PARSERS: Mapping[TokenSource, Mapping[bytes, _Parser]] = {
    "header": {b"x-stack-access-token": _plain, b"x-hexclave-access-token": _plain},
    "bearer": {b"authorization": _bearer},
    "stack_auth": {b"x-stack-auth": _stack_auth},
    "cookie": {b"cookie": _cookies},
    "subprotocol": {b"sec-websocket-protocol": _subprotocols},
}


# ---------------------------------------------------------------- what they read with


def _text(value: bytes) -> str:
    if len(value) > MAX_CREDENTIAL_LENGTH:
        raise _UnreadableError("too_large")
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise _UnreadableError("malformed") from None


def _decode_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _UnreadableError("malformed") from None


def _json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise _UnreadableError("malformed") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _UnreadableError("malformed")
    return found


def _access_token_of(text: str) -> Sequence[str]:
    """The access token in the official client's ``{"accessToken": …, "refreshToken": …}``."""
    pair = _json(text)
    if not isinstance(pair, dict) or "accessToken" not in pair:
        raise _UnreadableError("malformed")
    token = pair["accessToken"]
    return () if token is None else (_as_token(token),)  # null: signed out


def _access_token_of_cookie(value: str) -> str:
    """The access token in the official client's ``["<refresh token>", "<access token>"]``."""
    if len(value) > MAX_CREDENTIAL_LENGTH:
        raise _UnreadableError("too_large")
    pair = _json(unquote(value))
    if not isinstance(pair, list) or len(pair) != 2:  # noqa: PLR2004 - the two tokens
        raise _UnreadableError("malformed")
    return _as_token(pair[1])


def _as_token(token: object) -> str:
    if not isinstance(token, str) or not token:
        raise _UnreadableError("malformed")
    return token
