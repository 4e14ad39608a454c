"""The text of an API key: how it is made and taken apart. Pure: no store, no HTTP.

```
sk_ <45 characters: secret> <32 hexadecimal digits: id> user <flag> 574ck4u7h <8 digits: CRC-32>
```

`sk` is a secret key and `pk` a public one; `user` or `team` says who owns it; the flag is 1 for
secret and 3 for public keys of a server that is not Stack's own. The checksum covers all before it
and lets a typing error show without asking.
"""

from __future__ import annotations

import re
import uuid
import zlib
from dataclasses import dataclass, field
from typing import Literal

OwnerType = Literal["user", "team"]

_FORM = re.compile(r"(?:sk|pk)_[0-9a-z]{45}([0-9a-f]{32})(user|team)[0-3]574ck4u7h([0-9a-f]{8})")


@dataclass(frozen=True)
class ApiKeyText:
    """A well-formed API key."""

    text: str = field(repr=False)
    id: str
    owner_type: OwnerType


def write(key_id: str, owner_type: OwnerType, secret: str, *, is_public: bool) -> str:
    """The key's text.

    Args:
        key_id: UUID of the key's record.
        owner_type: Whose key it is.
        secret: 45 random characters.
        is_public: Public keys may be shown, so they look different.
    """
    prefix, flag = ("pk", 3) if is_public else ("sk", 1)
    start = f"{prefix}_{secret}{uuid.UUID(key_id).hex}{owner_type}{flag}574ck4u7h"
    return f"{start}{_checksum(start)}"


def read(text: str) -> ApiKeyText | None:
    """The parts of a key; None if it is not well-formed or its checksum is wrong."""
    parts = _FORM.fullmatch(text)
    if parts is None or parts[3] != _checksum(text[:-8]):
        return None
    owner_type: OwnerType = "user" if parts[2] == "user" else "team"
    return ApiKeyText(text=text, id=str(uuid.UUID(parts[1])), owner_type=owner_type)


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
