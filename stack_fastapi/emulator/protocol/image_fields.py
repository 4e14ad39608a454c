"""Types of fields for profile images.

A server may name an image on the web; a user must send the image itself, as a data URL. The real
server stores a sent image elsewhere and answers with its address there; here the data URL stays.
"""

from __future__ import annotations

import binascii
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from stack_fastapi.emulator.errors import bad_request
from stack_fastapi.emulator.protocol.fields import Url

#: Characters of base64 that the real server takes.
MAX_IMAGE_LENGTH = 300 * 1024

_DATA_URL = re.compile(r"data:image/[a-z]+;base64,(.*)", re.DOTALL)
#: How a JPEG, a PNG, a GIF and a WebP begin.
_IMAGE = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF.{4}WEBP", re.DOTALL)


def _own_image(value: str) -> str:
    sent = _DATA_URL.fullmatch(value)
    if sent is None:
        raise bad_request("A profile image is a data URL: data:image/png;base64,…")
    if len(sent[1]) > MAX_IMAGE_LENGTH:
        raise bad_request(f"A profile image has at most {MAX_IMAGE_LENGTH} characters of base64.")
    if _IMAGE.match(_decoded(sent[1])) is None:
        raise bad_request("The data URL does not hold a JPEG, PNG, GIF or WebP image.")
    return value


def _any_image(value: str) -> str:
    if value.startswith(("http://", "https://")):
        return value
    return _own_image(value)


def _decoded(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text)
    except ValueError:
        return b""


_ImageUrl = Annotated[Url, Field(max_length=1_000_000)]
#: What users may say of themselves.
ClientImage = Annotated[_ImageUrl, AfterValidator(_own_image)]
#: What a server may say.
ServerImage = Annotated[_ImageUrl, AfterValidator(_any_image)]
