"""One module a scenario, each with ``run(options) -> list[Measurement]``."""
