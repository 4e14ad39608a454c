"""The typed client: against a local Stack, the recordings and servers on bad days."""
