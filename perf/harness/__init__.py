"""The tools that scenarios share: measurements, pinned processes, the machine."""
