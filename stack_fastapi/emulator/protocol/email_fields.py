"""The two rules for e-mail addresses: what a server may give a user, and what signs up.

Servers follow the rule of HTML's input fields
(https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address), which takes a host without
a dot and no letters beyond ASCII. Who signs up is asked for what looks like an address on the
internet.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from stack_fastapi.emulator.protocol.fields import Text

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_HTML = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")
#: No dot at an end of the name or beside another one, and a last label of two characters or more.
_INTERNET = re.compile(r"[^.@]+(?:\.[^.@]+)*@.+\.[^.]{2,}")


def _email(value: str) -> str:
    if _HTML.fullmatch(value) is None:
        raise ValueError("must be an e-mail address")
    return value


def _sign_up_email(value: str) -> str:
    if _INTERNET.fullmatch(value) is None:
        raise ValueError("must be an e-mail address on the internet, such as name@example.com")
    return value


Email = Annotated[Text, AfterValidator(_email)]
SignUpEmail = Annotated[Email, AfterValidator(_sign_up_email), Field(max_length=256)]
