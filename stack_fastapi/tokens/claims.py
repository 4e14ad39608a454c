"""Step 2 of 5, the pure part: what an access token must look like and say.

No key, no clock and no network in here. ``split`` reads the text before any signature is
checked, so anybody can make it read anything; ``check_claims`` judges a payload whose signature
is good. Both refuse with ``RefusedTokenError``, which never leaves the kit.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import SecretStr, ValidationError

from stack_fastapi.exceptions import TokenReason
from stack_fastapi.models import AccessTokenClaims
from stack_fastapi.types import UserType

#: Longest token that is read, in characters. Genuine ones have 800 to 1,300.
MAX_TOKEN_LENGTH = 8192

_BRANCH = "main"
_PROJECT = re.compile(r"/api/v1/projects(?:-restricted-users|-anonymous-users)?/(?P<id>[^/]+)\Z")
_LONGEST_SHOWN = 200
_SIGNATURE_BYTES = 64  # RFC 7518, section 3.4
_LAST_SECOND = 253_402_300_799  # of the year 9999: no clock and no calendar goes beyond it
_ALPHABET = (
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"  # RFC 4648, section 5
)
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
# By the length's rest: which characters a part may end with.
_LAST = (_ALPHABET, b"", _ALPHABET[::16], _ALPHABET[::4])
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_REQUIRED = frozenset({"sub", "iss", "aud", "exp", "iat", "branch_id", "is_anonymous"})
_OLD_NAMES = {"branchId": "branch_id", "refreshTokenId": "refresh_token_id"}
# Header parameters that change how a token must be read. Stack sends none of them (RFC 7515,
# section 4.1.11; RFC 7797, section 7; zip is JWE's).
_UNSUPPORTED_HEADERS = frozenset({"crit", "b64", "zip"})


class RefusedTokenError(Exception):
    """Why a token is not accepted."""

    def __init__(self, reason: TokenReason) -> None:
        super().__init__(reason)
        self.reason: TokenReason = reason


@dataclass(slots=True, repr=False, eq=False)
class TokenParts:
    """A token's pieces, before any of them is believed.

    Attributes:
        kid: id of the key that is said to have signed it.
        payload: the payload's bytes, not yet read.
        signed: what the signature is about: the text before it (RFC 7515, section 5.2).
        signature: its bytes, of the right number.
    """

    kid: str
    payload: bytes
    signed: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a verifier accepts; times in seconds.

    Attributes:
        project_id: the only project whose users are let in.
        issuers: each acceptable ``iss``, and the type of user that it stands for.
        leeway: how long after ``exp`` a token is still taken.
        clock_skew: how far ahead of our clock ``iat`` and ``nbf`` may lie.
        max_lifetime: the longest time from ``iat`` to ``exp``.
    """

    project_id: str
    issuers: Mapping[str, UserType]
    leeway: float
    clock_skew: float
    max_lifetime: float


def issuers_of(project_id: str, bases: Iterable[str]) -> dict[str, UserType]:
    """Every acceptable ``iss`` of a project whose API is reached at one of the bases."""
    paths: dict[str, UserType] = {
        "projects": "normal",
        "projects-restricted-users": "restricted",
        "projects-anonymous-users": "anonymous",
    }
    return {
        f"{base}/api/v1/{path}/{project_id}": user_type
        for base in bases
        for path, user_type in paths.items()
    }


# ---------------------------------------------------------------- before the signature


def digest_of(token: SecretStr) -> bytes:
    """What a token is remembered under: the SHA-256 of its whole text."""
    text = token.get_secret_value()
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def split(token: str) -> TokenParts:
    """Take a compact JWS apart, as strictly as RFC 7515 allows.

    Raises:
        RefusedTokenError: too large, not three canonical base64url parts, a header that is not one
            JSON object, another algorithm than ES256, a parameter we do not support, no usable
            key id, or a signature of the wrong length.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise RefusedTokenError("too_large")
    text = token.encode(errors="replace")
    if text.translate(None, _ALPHABET) != b"..":  # three parts: RFC 7515, section 7.1
        raise RefusedTokenError("malformed")
    signed, _, signature_part = text.rpartition(b".")
    header_part, _, payload_part = signed.partition(b".")
    header, payload = _decode_part(header_part), _decode_part(payload_part)
    signature = _decode_part(signature_part)
    kid = _check_header(read_object(header))
    if len(signature) != _SIGNATURE_BYTES:
        raise RefusedTokenError("bad_signature")
    return TokenParts(kid, payload, signed, signature)


def _decode_part(part: bytes) -> bytes:
    """Base64url without padding; one spelling for each value, so that a token has one text.

    The last character of a part holds two or four bits that mean nothing, and must be zero.
    """
    if not part or part[-1] not in _LAST[len(part) % 4]:
        raise RefusedTokenError("malformed")
    return binascii.a2b_base64(part.translate(_TO_STANDARD) + b"==")


def _check_header(header: Mapping[str, Any]) -> str:
    if header.get("alg") != "ES256":
        raise RefusedTokenError("bad_algorithm")
    if _UNSUPPORTED_HEADERS & header.keys():
        raise RefusedTokenError("unsupported_header")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise RefusedTokenError("unknown_key")
    return kid


def read_object(data: bytes) -> dict[str, Any]:
    """One JSON object in UTF-8, each name once (RFC 7519, section 4), nothing that is not JSON.

    Raises:
        RefusedTokenError: it is anything else.
    """
    try:
        value = _JSON.decode(data.decode())  # text, for bytes may be guessed to be UTF-16
    except (ValueError, RecursionError):
        raise RefusedTokenError("malformed") from None
    if not isinstance(value, dict):
        raise RefusedTokenError("malformed")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RefusedTokenError("malformed")
    return found


def _refuse_constant(_name: str) -> NoReturn:
    """NaN and Infinity are Python's, not JSON's."""
    raise RefusedTokenError("malformed")


_JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)


# ---------------------------------------------------------------- to say why


def is_of_another_project(payload: bytes, project_id: str) -> bool:
    """Whether a token says of itself that it is a session of another Stack project.

    Nothing proves that it is true: good for refusing it with the better word, and for no more.
    """
    named = _PROJECT.search(_text_claim(payload, "iss"))
    audience = _text_claim(payload, "aud").partition(":")[0]
    return named is not None and named["id"] == audience != project_id


def issuer_base(payload: bytes) -> str:
    """The base URL of who issued a token, as it would stand among the settings' ``issuers``."""
    return _PROJECT.sub("", _text_claim(payload, "iss"))[:_LONGEST_SHOWN]


def _text_claim(payload: bytes, name: str) -> str:
    try:
        value = read_object(payload).get(name)
    except RefusedTokenError:
        return ""
    return value if isinstance(value, str) else ""


# ---------------------------------------------------------------- behind the signature


def check_claims(payload: Mapping[str, Any], rules: TokenRules, now: float) -> AccessTokenClaims:
    """Judge the claims of a token whose signature is good.

    Args:
        payload: the decoded claims.
        rules: what is accepted.
        now: Unix time in seconds.

    Raises:
        RefusedTokenError: with the first rule that is broken.
    """
    claims = _read_claims(_with_present_names(payload))
    _check_values(claims)
    if claims.branch_id != _BRANCH:
        raise RefusedTokenError("wrong_branch")
    _check_user_type(claims, rules)
    _check_times(claims, rules, now)
    return claims


def _with_present_names(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The claims under the names of today; the oldest tokens spell some otherwise."""
    if _OLD_NAMES.keys().isdisjoint(payload):
        return dict(payload)
    old = {_OLD_NAMES[name]: value for name, value in payload.items() if name in _OLD_NAMES}
    return {**old, **payload}


def _read_claims(claims: dict[str, Any]) -> AccessTokenClaims:
    """The claims with their types checked: a bool is no number, and "false" is no bool."""
    if not claims.keys() >= _REQUIRED:
        raise RefusedTokenError("missing_claim")
    if claims.get("is_restricted") is None:  # older servers know anonymous users only
        claims["is_restricted"] = claims["is_anonymous"]
    if claims.get("nbf", 0) is None:
        raise RefusedTokenError("bad_claim_type")
    try:
        return AccessTokenClaims.model_validate(claims)
    except (ValidationError, RecursionError):
        raise RefusedTokenError("bad_claim_type") from None


def _check_values(claims: AccessTokenClaims) -> None:
    times = (claims.exp, claims.iat, claims.nbf or 0)
    if any(abs(time) > _LAST_SECOND for time in times) or not _UUID.fullmatch(claims.sub):
        raise RefusedTokenError("bad_claim_value")


def _check_user_type(claims: AccessTokenClaims, rules: TokenRules) -> None:
    """Issuer, audience and the is_* claims must name one and the same type of user."""
    audience_type = _type_of_audience(claims.aud, rules.project_id)
    issuer_type = rules.issuers.get(claims.iss)
    if issuer_type is None:
        raise RefusedTokenError("wrong_issuer")
    if claims.project_id not in {None, rules.project_id}:
        raise RefusedTokenError("wrong_project")
    if not issuer_type == audience_type == claims.user_type or not _flags_agree(claims):
        raise RefusedTokenError("wrong_user_type")


def _type_of_audience(audience: str, project_id: str) -> UserType:
    types: dict[str, UserType] = {
        project_id: "normal",
        f"{project_id}:restricted": "restricted",
        f"{project_id}:anon": "anonymous",
    }
    if audience in types:
        return types[audience]
    ours = audience.startswith(f"{project_id}:")
    raise RefusedTokenError("wrong_audience" if ours else "wrong_project")


def _flags_agree(claims: AccessTokenClaims) -> bool:
    reason = claims.restricted_reason and claims.restricted_reason.type
    if claims.is_anonymous:  # older tokens give no reason
        return claims.is_restricted and reason in {None, "anonymous"}
    if claims.is_restricted:  # a reason that a newer server adds is still a reason
        return reason is not None and reason != "anonymous"
    return reason is None


def _check_times(claims: AccessTokenClaims, rules: TokenRules, now: float) -> None:
    if now >= claims.exp + rules.leeway:
        raise RefusedTokenError("expired")
    if now < max(claims.iat, claims.nbf or claims.iat) - rules.clock_skew:
        raise RefusedTokenError("not_yet_valid")
    if claims.exp - claims.iat > rules.max_lifetime:
        raise RefusedTokenError("bad_claim_value")
