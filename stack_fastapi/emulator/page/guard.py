"""What is changed on the page: by the person at it, and by no other site in that person's browser.

Beside what is asked of every request (`protocol.guard`):

- **A form on another site**, another port of this machine included: a browser says where a form
  comes from, and only our own pages know the token.
- **A frame on another site**: no page may frame this one (`rendering.HEADERS`).
"""

from __future__ import annotations

import hmac

from stack_fastapi.emulator.errors import PlainError, forbidden
from stack_fastapi.emulator.protocol.guard import is_from_another_site
from stack_fastapi.emulator.protocol.request import Request

FORM = "application/x-www-form-urlencoded"
READING = ("GET", "HEAD")


def check_form(request: Request, token: str) -> dict[str, str]:
    """The fields of a form that was sent from our own page.

    Args:
        request: The request.
        token: What our own pages have in their forms.

    Raises:
        PlainError: It was sent from elsewhere, or is no form.
    """
    is_told = not {"origin", "sec-fetch-site"}.isdisjoint(request.headers)
    if not is_told or is_from_another_site(request):
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
