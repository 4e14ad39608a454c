"""Step 1 of 5, for API keys: what the text of a key says by itself. Pure: nobody is asked.

::

    sk_ <45 characters: secret> <32 hexadecimal digits: id> user <flag> 574ck4u7h <8 digits: CRC-32>

A key that is cut off or mistyped, or one of the other type of owner, is known here. The checksum
is no secret: whether there is such a key, only Stack can say.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from uuid import UUID

from stack_fastapi.types import ApiKeyType

_PREFIXES = ("sk_", "pk_")
_CHECKSUM_LENGTH = 8
_FORM = re.compile(
    r"(?P<prefix>sk|pk)_[0-9a-z]{45}(?P<id>[0-9a-f]{32})(?P<type>user|team)[0-9]574ck4u7h[0-9a-f]{8}"
)


@dataclass(frozen=True, slots=True)
class ApiKeyText:
    """What a well-formed key says of itself; nothing of its secret part.

    Attributes:
        id: of the key's record at Stack, a UUID.
        type: who owns it.
        is_public: whether it is one that may be shown.
    """

    id: str
    type: ApiKeyType
    is_public: bool


def is_meant_as_api_key(text: str) -> bool:
    """Whether a credential begins like an API key; no access token does (RFC 7515: ``eyJ``)."""
    return text.startswith(_PREFIXES)


def read(text: str) -> ApiKeyText | None:
    """What a key says of itself; None if it has another form or its checksum is wrong."""
    parts = _FORM.fullmatch(text)
    if parts is None:
        return None
    covered, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    if checksum != f"{zlib.crc32(covered.encode()):08x}":
        return None
    owner: ApiKeyType = "user" if parts["type"] == "user" else "team"
    return ApiKeyText(str(UUID(parts["id"])), owner, parts["prefix"] == "pk")
