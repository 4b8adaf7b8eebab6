"""Rivals that carry messages from process to process; a module each, with ``peer()``."""
