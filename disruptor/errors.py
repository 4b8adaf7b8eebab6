"""Every exception that the framework raises on purpose.

    DisruptorError                  one clear sentence for a person
    ├── ConfigurationError          a value in a file, flag or environment variable is wrong
    ├── SegmentError                a shared-memory segment cannot be made or attached
    │   ├── SegmentInUseError       a living process owns it
    │   └── LayoutMismatchError     its header does not describe what the caller expects
    ├── GraphError                  the graph of rings and processes is impossible
    ├── AlertedError                a wait was ended by an alert or a halt
    ├── WaitTimeoutError            a wait with a limit reached it
    ├── ClaimOrderError             a single producer publishes out of the order of its claims
    ├── EvictedError                a consumer was too far behind and lost its place
    └── ProcessFailedError          a supervised process failed and the platform gives up

"Full" and "empty" are values, not exceptions: compiled callers cannot catch.
"""

from __future__ import annotations


class DisruptorError(Exception):
    """Base of all; its text is one sentence that a person can act on."""


class ConfigurationError(DisruptorError):
    """A configured value is missing or wrong; the text names the place and what would be right."""


class SegmentError(DisruptorError):
    """A shared-memory segment cannot be created, attached or sized."""


class SegmentInUseError(SegmentError):
    """A living process owns a segment of this name, e.g. a second instance was started."""


class LayoutMismatchError(SegmentError):
    """A segment's magic, version, capacity or event layout differs from what was expected."""


class GraphError(DisruptorError):
    """A topology cannot run, e.g. a cycle without a non-blocking edge."""


class AlertedError(DisruptorError):
    """A wait ended because its control word asked for attention."""


class WaitTimeoutError(DisruptorError):
    """A wait with a time limit reached it."""


class ClaimOrderError(DisruptorError):
    """A single-producer ring shows all up to the cursor, so its claims are published in order."""


class EvictedError(DisruptorError):
    """A consumer that may be evicted lagged further than it may; events after it are lost to it."""


class ProcessFailedError(DisruptorError):
    """A supervised process died or never became ready, and its policy forbids another try."""
