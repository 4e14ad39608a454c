"""The rows of the table, and how good each of them shall be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One row.

    Attributes:
        what: is measured.
        limit: the target.
        unit: of the limit; empty for a ratio.
        is_least: whether more than the limit is better.
    """

    what: str
    limit: float
    unit: str = ""
    is_least: bool = False

    def is_met(self, value: float) -> bool:
        """Whether a measured value is as good as it shall be."""
        return value >= self.limit if self.is_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.shown(self.limit)}"

    def shown(self, value: float) -> str:
        """A value with its unit."""
        return f"{value:.1f} {self.unit}" if self.unit else f"{value:.2f}"


#: By what the measuring modules call them.
TARGETS = {
    "user": Target("`CurrentUser`, to a dependency that checks nothing", 1.10),
    "permission": Target("`require_permission`, to the same", 1.18),
    "team": Target("`require_team_permission`, to the same with an id in the path", 1.25),
    "public": Target("public route behind the middleware, to the same without it", 1.04),
    "first_sight": Target(
        "first sight of a token over a warm request, to one verification of a signature", 1.6
    ),
    "many_users": Target("warm request with 20,000 users in memory, to 10", 1.12),
    "served": Target(
        "requests a second of uvicorn, to a dependency that checks nothing", 0.90, is_least=True
    ),
    "served_pyjwt": Target("the same, to a route with PyJWT", 2.3, is_least=True),
    "memory": Target("memory for a cached user with one token", 3.5, "KiB"),
    "import_time": Target("import, after that of FastAPI", 70, "ms"),
    "import_memory": Target("memory of that import", 5, "MiB"),
}


@dataclass(frozen=True)
class Measured:
    """What came out for one row.

    Attributes:
        value: in the target's unit; None where it could not be measured.
        how: the numbers behind it, and how often it was measured; or why it was not.
    """

    value: float | None
    how: str


Results = dict[str, Measured]
