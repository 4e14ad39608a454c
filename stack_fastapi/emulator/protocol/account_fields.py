"""Types of fields that say something of a user: name, password, country, second factor."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from stack_fastapi.emulator.json_text import utf16_length
from stack_fastapi.emulator.protocol.fields import Name, Text
from stack_fastapi.emulator.state import passwords

MAX_NAME_LENGTH = 256

_COUNTRY = re.compile(r"[A-Z]{2}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def _display_name(value: str) -> str:
    if utf16_length(value) > MAX_NAME_LENGTH:
        raise ValueError(f"must be at most {MAX_NAME_LENGTH} characters")
    return value


def _password(value: str) -> str:
    if utf16_length(value) > passwords.MAX_LENGTH:
        raise ValueError(f"must be at most {passwords.MAX_LENGTH} characters")
    if len(_encoded(value)) > passwords.MAX_BYTES:
        raise ValueError(f"must be at most {passwords.MAX_BYTES} bytes in UTF-8")
    return value


def _encoded(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        # Python's own error would repeat a character of the password.
        raise ValueError("must not hold half a character") from None


def _country_code(value: str) -> str:
    code = value.strip().upper()
    if _COUNTRY.fullmatch(code) is None:
        raise ValueError("must be a country's code of two letters")
    return code


def _base64(value: str) -> str:
    if _BASE64.fullmatch(value) is None:
        raise ValueError("must be base64, with padding")
    return value


DisplayName = Annotated[Name, AfterValidator(_display_name)]
Password = Annotated[Text, AfterValidator(_password)]
#: Kept in capitals and without white space around it (ISO 3166-1 alpha-2 by its form alone).
CountryCode = Annotated[Text, AfterValidator(_country_code)]
TotpSecret = Annotated[Text, AfterValidator(_base64)]
