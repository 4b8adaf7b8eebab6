"""Sentinel beyond a single price."""
