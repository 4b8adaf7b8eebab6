"""The whole platform under load: a load generator in the feed's place, and a probe on every ring."""
