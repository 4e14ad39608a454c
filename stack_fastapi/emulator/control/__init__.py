"""What whoever runs an emulator does to it: seed, faults, request log, methods, own endpoints."""
