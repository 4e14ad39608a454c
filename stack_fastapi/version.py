"""The version of this package, for pyproject.toml and for what is sent to Stack."""

VERSION = "0.1.0"
