"""Who may ask: programs, and browsers on pages that are not of another site.

- **A name that somebody else's DNS leads here** (rebinding): a browser takes what answers for that
  site's own server, so the Host must be a name of this emulator. Nothing answers to another one.
- **A page of another site**, another port of this machine included: a browser says where a request
  comes from (`Origin`, `Sec-Fetch-Site`); programs send neither. Such a page has client access and
  nothing else, as anywhere. The keys of servers are no secret here.
- **Another machine**: it reaches the API if the emulator was opened to it, and nothing else.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from stack_fastapi.client.transport.loopback import is_loopback
from stack_fastapi.emulator.errors import bad_request, forbidden
from stack_fastapi.emulator.protocol.request import Request
from stack_fastapi.emulator.state.issuer_bases import IssuerBases

#: `same-site` is not among them: it is what other ports of this machine are.
OWN_SITE = ("same-origin", "none")
LAST_PORT = 65535
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?")


def check_host(request: Request, bases: IssuerBases) -> None:
    """Make sure that the request is meant for this emulator.

    Args:
        request: The request.
        bases: The emulator's, with the names that it was given.

    Raises:
        PlainError: The Host cannot be read, or is not known.
    """
    host = host_of(request)
    if not (is_loopback(host) or host == request.served_at or bases.is_configured(host)):
        raise forbidden(
            "The local Stack does not answer to this name, which another site may have led here."
            f" If it is yours, start the local Stack with --issuer {request.base_url}"
            " (in Python: issuer=)."
        )


def check_local(request: Request, who: str) -> None:
    """Make sure that the request comes from this machine and is meant for it.

    Args:
        request: The request, its Host checked.
        who: For whom it is, as the refusal says it.

    Raises:
        PlainError: It does not, or is not.
    """
    is_far = request.peer is not None and not is_loopback(request.peer)
    if is_far or not is_loopback(host_of(request)):
        raise forbidden(f"This is for {who} at this machine.")


def is_from_another_site(request: Request) -> bool:
    """Whether a browser says that a page of another origin asks."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    return site not in {None, *OWN_SITE} or origin not in {None, request.base_url}


def host_of(request: Request) -> str:
    """The name or address that the request is for, without port and brackets.

    Raises:
        PlainError: The Host cannot be read.
    """
    scheme, _, netloc = request.base_url.partition("://")
    found = _HOST.fullmatch(netloc)
    if found is None or int(found["port"] or 0) > LAST_PORT:
        raise bad_request("The header Host must be a name or an address, and may have a port.")
    try:
        return urlsplit(f"{scheme}://{netloc}").hostname or ""
    except ValueError:
        raise bad_request("The header Host has brackets without an address in them.") from None
