"""HTTP to Stack: requests, responses, repetitions, the circuit breaker, connections."""
