"""The feed: what it takes in and what it makes."""
