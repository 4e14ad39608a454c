"""How much work oversized and garbage input causes: the worst single judgement, in milliseconds."""

from __future__ import annotations

import asyncio
import time

from pydantic import SecretStr

from stack_fastapi import InvalidTokenError, StackAuth, StackAuthSettings
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.tokens.credentials import CredentialReader

LIMIT = 5.0
ROUNDS = 20


def inputs(genuine: str) -> dict[str, str]:
    """Texts that somebody may send in the place of a token."""
    header, payload, signature = genuine.split(".")
    return {
        "1 MB of one part": "a" * 1_000_000,
        "1 MB of dots": "." * 1_000_000,
        "1 MB payload": f"{header}.{payload * 1000}.{signature}",
        "genuine, then 1 MB": genuine + "." * 1_000_000,
        "8 KiB header": f"{'a' * 7_000}.{payload}.{signature}",
        "8 KiB of dots": "." * 8_192,
        "deep nesting": f"{'W1tb' * 1_700}.{payload}.{signature}",
        "unknown signature": f"{header}.{payload}.{'A' * 86}",
    }


async def main() -> None:
    """Measure, print, and fail where one of them costs too much."""
    stack = StackEmulator()
    settings = StackAuthSettings(
        project_id=stack.project.id,
        secret_server_key=stack.project.secret_server_key,
        api_url=stack.url,
    )
    token = stack.sign_in(stack.create_user(primary_email="bench@example.com").id).access_token
    reader = CredentialReader(("header", "bearer", "stack_auth", "cookie", "subprotocol"))
    async with StackAuth(settings, transport=stack.transport) as auth:
        await auth.verify(SecretStr(token))  # the keys are there
        worst = 0.0
        print(f"{'input':<20} {'ms as token':>12} {'ms as header':>13}")
        for name, text in inputs(token).items():
            judged = min([await _judging(auth, text) for _ in range(ROUNDS)])
            read = min(_reading(reader, text) for _ in range(ROUNDS))
            worst = max(worst, judged, read)
            print(f"{name:<20} {judged:12.3f} {read:13.3f}")
    print(f"worst: {worst:.3f} ms (limit {LIMIT} ms)")
    if worst > LIMIT:
        raise SystemExit(1)


async def _judging(auth: StackAuth, text: str) -> float:
    token = SecretStr(text)
    began = time.perf_counter()
    try:
        await auth.verify(token)
    except InvalidTokenError:
        return (time.perf_counter() - began) * 1000
    raise SystemExit("a hostile token was accepted")


def _reading(reader: CredentialReader, text: str) -> float:
    scope = {"type": "http", "method": "GET", "headers": [(b"authorization", text.encode())]}
    began = time.perf_counter()
    reader.find(scope)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    asyncio.run(main())
