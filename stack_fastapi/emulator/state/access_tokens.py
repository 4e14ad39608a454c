"""Access tokens: written as the real server writes them, and read with its order of checks.

Pure: keys, time and issuers are passed in. Reading is as lenient and as strict as the real server,
which differs from what a careful verifier does (recordings, `tokens.json`): it takes any of the
project's three issuers, ignores claims it does not need, and fails with 500 on contradictions.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from stack_fastapi.emulator.errors import InternalError, KnownError
from stack_fastapi.emulator.json_text import refuse_constant
from stack_fastapi.emulator.state.user_kind import UserKind, kind_of

ALGORITHMS = ["ES256"]
BRANCH = "main"
#: The earliest date that JavaScript knows, in seconds; before it, the real server fails.
EARLIEST_DATE = -8_640_000_000_000

Claims = Mapping[str, Any]
#: Project id, kind of user, key id → the key.
FindKey = Callable[[str, UserKind, object], ECKey | None]

_REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
#: The forms that the real server's database reads: hyphens and braces may be absent.
_UUID = re.compile(r"(\{)?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}(?(1)\})", re.IGNORECASE)
_REASONS = {"anonymous", "email_not_verified", "restricted_by_administrator"}


@dataclass(frozen=True)
class AccessToken:
    """What the server takes from a good token."""

    project_id: str
    user_id: str
    session_id: str | None
    kind: UserKind
    restricted_reason: Any


def sign(claims: Claims, key: ECKey, header: Claims | None = None) -> str:
    """The token's text.

    Args:
        claims: The payload.
        key: The private key.
        header: Put into the header beside algorithm and key id, or in their place.
    """
    protected = {"alg": "ES256", "kid": key.kid, **(header or {})}
    payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False)
    return jws.serialize_compact(protected, payload, key, registry=_REGISTRY)


def read(token: str, find_key: FindKey, issuer_bases: Collection[str], now: float) -> AccessToken:
    """Check a token as the real server does.

    Args:
        token: Its text.
        find_key: Looks up a published key.
        issuer_bases: Base URLs under which tokens are issued.
        now: Unix time in seconds.

    Raises:
        KnownError: The token is no good or has expired.
        InternalError: The signature is good, but the claims contradict each other.
    """
    claims = _verified_claims(token, find_key)
    project_id, kind = _addressee(claims)
    if claims.get("iss") not in _issuers(issuer_bases, project_id):
        raise _unparsable()
    _check_times(claims, project_id, now)
    return _content(claims, project_id, kind)


def _unparsable() -> KnownError:
    return KnownError("UNPARSABLE_ACCESS_TOKEN")


def _verified_claims(token: str, find_key: FindKey) -> Claims:
    def key_for(signature: Any) -> ECKey:  # noqa: ANN401 - joserfc's protocol for headers
        project_id, kind = _addressee(_object(signature.payload))
        key = find_key(project_id, kind, signature.headers().get("kid"))
        if key is None:
            raise _unparsable()
        return key

    try:
        return _object(jws.deserialize_compact(token, key_for, registry=_REGISTRY).payload)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise _unparsable() from error


def _object(payload: bytes) -> Claims:
    """The payload's JSON object, read like a browser: odd bytes are replaced."""
    text = payload.decode("utf-8-sig", errors="replace")
    value = json.loads(text, parse_constant=refuse_constant)
    if not isinstance(value, dict):
        raise _unparsable()
    return value


def _addressee(claims: Claims) -> tuple[str, UserKind]:
    """The project and the kind of user that the audience names; the keys follow from it."""
    audience = claims.get("aud")
    if not isinstance(audience, str):
        raise _unparsable()
    project_id = audience.partition(":")[0]
    for kind in UserKind:
        if audience == kind.audience(project_id):
            return project_id, kind
    raise _unparsable()


def _issuers(bases: Collection[str], project_id: str) -> list[str]:
    return [kind.issuer(base, project_id) for base in bases for kind in UserKind]


def _check_times(claims: Claims, project_id: str, now: float) -> None:
    """No tolerance: a token has expired as soon as the second `exp` begins."""
    second = math.floor(now)
    for name in ("iat", "nbf", "exp"):
        if name in claims and not _is_number(claims[name]):
            raise _unparsable()
    if claims.get("nbf", second) > second:
        raise _unparsable()
    expires = claims.get("exp", math.inf)
    if expires < EARLIEST_DATE:
        raise InternalError("The token's exp is no date.")
    if expires <= second:
        raise KnownError(
            "ACCESS_TOKEN_EXPIRED",
            {
                "expired_at_millis": int(expires * 1000),
                "project_id": project_id,
                "user_id": claims.get("sub"),
                "refresh_token_id": claims.get("refresh_token_id"),
            },
        )


def _content(claims: Claims, project_id: str, kind: UserKind) -> AccessToken:
    is_anonymous = claims.get("is_anonymous")
    is_restricted = claims.get("is_restricted")
    if is_restricted is None:
        is_restricted = is_anonymous  # tokens from before there were restricted users
    reason = claims.get("restricted_reason")
    if reason is None and is_anonymous is True:
        reason = {"type": "anonymous"}
    if (
        "exp" not in claims
        or claims.get("branch_id", claims.get("branchId")) != BRANCH
        or not _is_user_id(claims.get("sub"))
        or not _agree(kind, is_anonymous, is_restricted)
        or not _is_reason(reason, needed=kind is not UserKind.NORMAL)
    ):
        raise InternalError("The token's claims contradict each other.")
    return AccessToken(
        project_id=project_id,
        user_id=_plain_id(claims["sub"]),
        session_id=claims.get("refresh_token_id", claims.get("refreshTokenId")),
        kind=kind,
        restricted_reason=reason,
    )


def _agree(kind: UserKind, is_anonymous: object, is_restricted: object) -> bool:
    if not isinstance(is_anonymous, (bool, int)) or not isinstance(is_restricted, (bool, int)):
        return False
    if is_anonymous and not is_restricted:
        return False
    return kind is kind_of(is_anonymous=bool(is_anonymous), is_restricted=bool(is_restricted))


def _is_reason(reason: object, *, needed: bool) -> bool:
    if reason is None:
        return not needed
    return isinstance(reason, dict) and reason.get("type") in _REASONS


def _is_user_id(value: object) -> bool:
    """A UUID, or the empty string: the server looks that up and finds nobody."""
    return isinstance(value, str) and (not value or _UUID.fullmatch(value) is not None)


def _plain_id(value: str) -> str:
    return str(uuid.UUID(value)) if value else ""


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
