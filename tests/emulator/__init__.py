"""Tests of the local Stack server; a package, so that its conftest has a name of its own."""
