"""A few ratios that a machine of any speed, busy or idle, must reach: ``bin/perf check``, for CI.

pairs   what is measured, each beside a baseline that does comparable work in the same run
cli     takes turns, prints the ratios, exits 1 when one is broken
"""
