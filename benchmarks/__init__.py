"""What the kit costs: ``python -m benchmarks`` prints one table; see docs/benchmarks.md."""
