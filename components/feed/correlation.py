"""Independent normal numbers into correlated ones: the Cholesky factor of a correlation matrix.

Plain loops in + − × ÷ and square roots, which round alike on every machine; a library's matrix
product may not, and a seed names one path for ever.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.feed.setting_checks import require

Matrix = Sequence[Sequence[float]]

_KEY: Final = "simulation.correlation"
_TOLERANCE: Final = 1e-9


def correlation_factor(matrix: Matrix, symbols: Sequence[str]) -> list[list[float]]:
    """Lower triangular L with L·Lᵀ = ``matrix``; ConfigurationError if it is no correlation matrix.

    Rows and columns are in the order of ``symbols``.  A semi-definite matrix (symbols that move as
    one, or are a mixture of others) is as good as a definite one.
    """
    _check_entries(matrix, symbols)
    size = len(symbols)
    factor = [[0.0] * size for _ in range(size)]
    for row in range(size):
        for column in range(row + 1):
            rest = matrix[row][column] - sum(
                factor[row][each] * factor[column][each] for each in range(column)
            )
            if row == column:
                _require_consistent(rest >= -_TOLERANCE, matrix, symbols[row])
                factor[row][row] = math.sqrt(rest) if rest > _TOLERANCE else 0.0
            elif factor[column][column] > 0.0:
                factor[row][column] = rest / factor[column][column]
            else:
                _require_consistent(abs(rest) <= math.sqrt(_TOLERANCE), matrix, symbols[row])
    return factor


def correlated(factor: Sequence[Sequence[float]], normals: NDArray[np.float64]) -> None:
    """Correlate ``normals``, shape (symbols, steps), in place."""
    for row in reversed(range(len(factor))):
        mixed = factor[row][row] * normals[row]
        for column in range(row):
            if factor[row][column] != 0.0:
                mixed = mixed + factor[row][column] * normals[column]
        normals[row] = mixed


def _check_entries(matrix: Matrix, symbols: Sequence[str]) -> None:
    size = len(symbols)
    lengths = [len(row) for row in matrix]
    order = ", ".join(symbols)
    require(
        lengths == [size] * size,
        _KEY,
        f"rows of {lengths} numbers",
        f"write {size} rows of {size} numbers, in the order of feed.symbols: {order}",
    )
    for row in range(size):
        one = matrix[row][row]
        require(one == 1, _KEY, one, f"{symbols[row]} with itself is 1")
        for column in range(row):
            value, mirrored = matrix[row][column], matrix[column][row]
            pair = f"{symbols[row]} with {symbols[column]}"
            require(-1 <= value <= 1, _KEY, value, f"{pair} must be from -1 to 1")
            require(
                value == mirrored, _KEY, (value, mirrored), f"{pair} must be the same both ways"
            )


def _require_consistent(holds: bool, matrix: Matrix, symbol: str) -> None:
    if not holds:
        least = float(np.linalg.eigvalsh(np.array(matrix, np.float64))[0])
        require(
            False,
            _KEY,
            f"a smallest eigenvalue of {least:.3g}",
            "the matrix must be positive semi-definite: the correlations of "
            f"{symbol} contradict those before it, so bring them nearer to 0",
        )
