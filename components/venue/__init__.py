"""A stand-in for Binance: its addresses, its message shapes, its rules, and faults on demand."""
