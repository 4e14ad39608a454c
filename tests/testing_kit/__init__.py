"""Tests of what the kit offers to the tests of apps; a package, so that names may repeat."""
