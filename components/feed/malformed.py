"""Why a frame is refused, for every venue's parser; the reasons are labels of a metric."""

from __future__ import annotations

from typing import Final

from components.feed.decimal_grid import NEGATIVE, NOT_DECIMAL, OFF_GRID, OUT_OF_BOUNDS
from components.feed.venue_messages import Malformed

OVERSIZED: Final = Malformed("oversized")
NOT_JSON: Final = Malformed("not_json")
NOT_AN_OBJECT: Final = Malformed("not_an_object")
MISSING_FIELD: Final = Malformed("missing_field")
WRONG_TYPE: Final = Malformed("wrong_type")
BAD_TIME: Final = Malformed("bad_time")
BAD_ID: Final = Malformed("bad_id")
BAD_CHECKSUM: Final = Malformed("bad_checksum")
BAD_NUMBER: Final = {
    NOT_DECIMAL: Malformed("not_a_decimal"),
    OFF_GRID: Malformed("off_grid"),
    OUT_OF_BOUNDS: Malformed("out_of_bounds"),
    NEGATIVE: Malformed("not_positive"),
    0: Malformed("not_positive"),
}
