"""Titan, the matching engine: what a command costs, on flows of its own and on those of others.

prepared commands ──► apply_batch ──► outbox (──► events ring)      one thread, one CPU

mixed      a busy book: cost, latency of single commands, bytes an order    (peers)
league     the public league's five scenarios, their reports proven by SHA-256   (peers)
"""
