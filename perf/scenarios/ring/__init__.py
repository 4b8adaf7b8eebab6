"""LMAX's own performance tests, by their names, on the ring in shared memory."""
