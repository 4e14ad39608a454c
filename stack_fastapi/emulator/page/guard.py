"""Who may use the page: the person at this machine, and no other site in that person's browser.

- **Another machine**: the connection must come from this one.
- **A name that somebody else's DNS leads here** (rebinding): the Host must mean this machine.
- **A form on another site**, another port of this machine included: a browser says where a form
  comes from (`Origin`, `Sec-Fetch-Site`), and only our own pages know the token.
- **A frame on another site**: no page may frame this one (`rendering.HEADERS`).
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from stack_fastapi.emulator.errors import PlainError, forbidden
from stack_fastapi.emulator.request import Request
from stack_fastapi.loopback import is_loopback

FORM = "application/x-www-form-urlencoded"
READING = ("GET", "HEAD")
#: `same-site` is not among them: it is what other ports of this machine are.
OWN_SITE = ("same-origin", "none")


def check_local(request: Request) -> None:
    """Make sure that the request comes from this machine and is meant for it.

    Raises:
        PlainError: It does not, or is not.
    """
    is_far = request.peer is not None and not is_loopback(request.peer)
    if is_far or not is_loopback(_host_of(request.base_url)):
        raise forbidden("This page is for the person at this machine.")


def check_form(request: Request, token: str) -> dict[str, str]:
    """The fields of a form that was sent from our own page.

    Args:
        request: The request.
        token: What our own pages have in their forms.

    Raises:
        PlainError: It was sent from elsewhere, or is no form.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_told = site is not None or origin is not None
    if not is_told or site not in {None, *OWN_SITE} or origin not in {None, request.base_url}:
        raise forbidden("This form was sent from another site.")
    if request.media_type != FORM:
        raise PlainError(415, "Only a form can be sent here.")
    fields: dict[str, str] = request.body()
    if not hmac.compare_digest(fields.pop("token", "").encode(), token.encode()):
        raise forbidden(
            "This form is from another run of the local Stack. Open the page anew and try again."
        )
    return fields


def check_method(request: Request) -> None:
    """Make sure that the page knows the method.

    Raises:
        PlainError: It does not.
    """
    if request.method not in {*READING, "POST"}:
        raise PlainError(405, "The page is read with GET and changed with POST.")


def _host_of(base_url: str) -> str:
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:  # brackets that do not match
        return ""
