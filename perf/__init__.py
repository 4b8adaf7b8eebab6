"""Measures the platform and its peers in the same run; nothing imports this package."""
