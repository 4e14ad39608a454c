"""``python -m stack_fastapi`` and the command ``stack-fastapi``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType


def main(load: Callable[[str], ModuleType] = importlib.import_module) -> None:
    """Run the command line, or say what it needs.

    Args:
        load: imports a module.
    """
    try:
        cli = load("stack_fastapi.cli")
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        sys.exit("The command line needs typer: pip install 'stack-fastapi[cli,emulator]'")
    cli.app(prog_name="stack-fastapi")


if __name__ == "__main__":
    main()
