"""The README's pictures of the local Stack's page: `python -m tests.page.pictures docs/images`."""

from __future__ import annotations

import sys
from pathlib import Path

from .chromium import launched
from .demo import Demo

SIZE = {"width": 1200, "height": 800}


def take(folder: Path) -> list[Path]:
    """Take them; the files.

    Args:
        folder: Where they go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    demo, taken = Demo(), []
    with demo.emulator.serve(41999) as served, launched() as browser:
        demo.work(served.url)
        user = f"{served.url}/local-stack/page/projects/{demo.emulator.project.id}/users"
        for name, scheme, url in (
            ("local-stack-light.png", "light", f"{served.url}/"),
            ("local-stack-dark.png", "dark", f"{user}/{demo.users[0].id}"),
        ):
            context = browser.new_context(
                viewport=SIZE,  # type: ignore[arg-type]
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            page = context.new_page()
            page.goto(url)
            if scheme == "dark":
                page.get_by_role("button", name="Sign in").click()
            page.screenshot(path=folder / name)
            taken.append(folder / name)
            context.close()
    return taken


if __name__ == "__main__":
    take(Path(sys.argv[1]))
