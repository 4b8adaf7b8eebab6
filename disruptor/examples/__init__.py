"""Small programs that use the framework by its public names alone; each says how to run it."""
