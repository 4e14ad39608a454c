"""Pictures of users and teams: what the real server takes for one. No HTTP in here."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from stack_fastapi.emulator.errors import bad_request

_DATA_URL = re.compile(r"data:[^,;]*;base64,(?P<content>.*)", re.IGNORECASE)
#: How the content of a picture begins: PNG, JPEG, GIF, WebP.
_SIGNATURE = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP", re.DOTALL)


def check_picture(changes: Mapping[str, Any], *, is_client: bool) -> None:
    """Make sure that changes bring no picture, or one that can be shown.

    Args:
        changes: Fields of a request; `profile_image_url` is a URL, null or absent.
        is_client: Clients send the picture itself; only servers may say where one is.

    Raises:
        PlainError: It cannot be shown, or may not be there.
    """
    url = changes.get("profile_image_url")
    if url is None:
        return
    parts = urlsplit(url)
    if parts.scheme == "data":
        if not _is_picture(url):
            raise bad_request("The picture must be PNG, JPEG, GIF or WebP, in base64.")
    elif is_client:
        raise bad_request("Clients send the picture itself, as a data URL.")
    elif parts.scheme not in {"http", "https"} or not parts.hostname:
        raise bad_request("A picture has an http or https URL, or is a data URL itself.")


def _is_picture(url: str) -> bool:
    found = _DATA_URL.fullmatch(url)
    if found is None:
        return False
    try:
        content = base64.b64decode(found["content"], validate=True)
    except ValueError:
        return False
    return _SIGNATURE.match(content) is not None
