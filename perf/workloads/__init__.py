"""Order flows that others publish, made again from their descriptions, number by number."""
