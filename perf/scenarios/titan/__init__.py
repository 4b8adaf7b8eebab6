"""Titan, the matching engine: what a command costs, on flows of its own and on those of others.

prepared commands ──► apply_batch ──► outbox (──► events ring)      one thread, one CPU

mixed           a busy book: cost, latency of single commands            (peers)
league          the public league's five scenarios, their reports proven by SHA-256   (peers)
exchange_core   exchange-core's order flow: single pair, peak, medium
bursts          bursts, sweeps, prices anywhere, mass cancels
growth          from 100 to 10,000,000 resting orders, from 1 to 10,000 symbols; bytes an order
"""
