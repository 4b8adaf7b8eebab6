"""The schema of a topology: rings, the processes around them, and how each process runs.

A topology says who writes and who reads each ring, which readers wait for which others, and on
which CPU and with which wait strategy each process runs.  It knows nothing of what travels: a
ring's event layout and a process' entry point are names (``package.module:NAME``) that are
looked up in the process that needs them, so a topology pickles and costs no imports.

Every field's description completes the sentence "write …", because `load.validate` ends its
lines with it.  Whatever concerns several entries at once is judged in `graph`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from disruptor.topology.document import printable

CAPACITY_MAX: Final = 2**26
SHARED_RINGS: Final = "*"
"""The key of `Process.after` that means every ring that both processes read."""

CODE_KEYS: Final = ("run", "handler", "make_handler")
"""The keys of `Process` of which it has one."""

Wait = Literal[
    "busy_spin",
    "yielding",
    "sleeping",
    "blocking",
    "timed_blocking",
    "phased_backoff",
    "adaptive",
]
Restart = Literal["always", "on-failure", "never"]
Cpu = int | Literal["auto", "none"]


class Strict(BaseModel):
    """What every configured mapping is: immutable, no unknown keys, no silent coercion."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _power_of_two(capacity: int) -> int:
    if not 2 <= capacity <= CAPACITY_MAX or capacity & (capacity - 1):
        nearest = min(max(2, 1 << max(0, capacity - 1).bit_length()), CAPACITY_MAX)
        raise ValueError(
            f"found {capacity}; write a power of two from 2 to {CAPACITY_MAX} "
            f"(did you mean {nearest}?)"
        )
    return capacity


def _cpu(value: object) -> object:
    number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 65_536
    if not number and value not in ("auto", "none"):
        raise ValueError(f"found {shown(value)}; write a CPU's number from 0, auto or none")
    return value


def _write(value: object) -> object:
    if isinstance(value, (dict, Write)):
        return value
    if not isinstance(value, str):
        raise ValueError(
            f"found {shown(value)}; write a ring's name, or {{ring: NAME, blocking: false}}"
        )
    return {"ring": value}


def _after(value: object) -> object:
    return {SHARED_RINGS: value} if isinstance(value, list) else value


def shown(value: object) -> str:
    """A configured value as a reader of the file would recognise it."""
    if isinstance(value, str):
        text = printable(value)
        return f'"{text}"' if len(text) <= 60 else f'"{text[:57]}…"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return str(value)


Name = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9_-]{1,32}$",
        description="a name of 1 to 32 characters out of a-z, 0-9, _ and -",
    ),
]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]
Names = Annotated[tuple[Name, ...], Field(strict=False, description="a list of names")]


class Ring(Strict):
    """One ring buffer in shared memory."""

    capacity: Annotated[int, AfterValidator(_power_of_two)] = Field(
        description=f"a power of two from 2 to {CAPACITY_MAX}"
    )
    event: Reference = Field(description="where the event's dtype is, as package.module:NAME")
    producers: Literal["single", "multi"] = Field(default="single", description="single or multi")


class Write(Strict):
    """One ring that a process publishes to; a bare string in YAML is the ring's name."""

    ring: Name = Field(description="the name of a ring")
    blocking: bool = Field(
        default=True,
        description="true, or false if the process never stops reading to wait for space",
    )


class Rewind(Strict):
    """How often a handler may have its batch again."""

    attempts_max: int | None = Field(default=None, ge=1, description="a number from 1")
    pause_s: float = Field(default=0.0, ge=0, le=60, description="seconds from 0 to 60")


class Share(Strict):
    """Which events of a ring a handler takes, where several divide them."""

    index: int = Field(ge=0, description="a number from 0 to count - 1")
    count: int = Field(ge=1, description="a number from 1")
    key: str | None = Field(default=None, description="the name of an integer field of the event")


class Processor(Strict):
    """How the processor around a handler works."""

    exceptions: Literal["halt", "ignore", "log"] | Reference = Field(
        default="halt",
        description="halt, ignore, log, or an ExceptionHandler, as package.module:NAME",
    )
    lifecycle: Reference | None = Field(
        default=None, description="a Lifecycle, as package.module:NAME"
    )
    batch_size_max: int = Field(default=2**62, ge=1, description="a number from 1")
    rewind: Rewind = Field(
        default=Rewind(), description="a mapping with attempts_max or pause_s, or neither"
    )
    partition: Share | None = Field(
        default=None, description="a mapping with index, count and perhaps key"
    )


class Process(Strict):
    """One process: its code, its rings, and how it runs.

    Its code is a function that owns its loop (``run``), or a handler of the one ring that it reads
    (``handler``, or ``make_handler`` for one that needs options or writes rings).
    """

    run: Reference | None = Field(
        default=None, description="the function to run, as package.module:function"
    )
    handler: Reference | None = Field(
        default=None, description="the handler of the ring that it reads, as package.module:NAME"
    )
    make_handler: Reference | None = Field(
        default=None,
        description="a function that is given the process' context and returns a handler, "
        "as package.module:function",
    )
    processor: Processor = Field(
        default=Processor(), description="a mapping of how the handler's processor works"
    )
    reads: Names = Field(default=(), description="a list of ring names")
    writes: Annotated[
        tuple[Annotated[Write, BeforeValidator(_write)], ...], Field(strict=False)
    ] = Field(default=(), description="a list of ring names, or of {ring: NAME, blocking: false}")
    after: Annotated[dict[str, Names], BeforeValidator(_after)] = Field(
        default={}, description="a list of processes, or a mapping from ring to list of processes"
    )
    lag_max: int = Field(
        default=0,
        ge=0,
        le=CAPACITY_MAX,
        description="0 if others wait for it, or how far behind it may be before it is detached",
    )
    cpu: Annotated[Cpu, BeforeValidator(_cpu)] = Field(
        default="auto", description="a CPU's number from 0, auto or none"
    )
    group: Name | None = Field(
        default=None, description="a name; processes of one group share a CPU where CPUs are few"
    )
    wait: Wait = Field(
        default="adaptive",
        description="busy_spin, yielding, sleeping, blocking, timed_blocking, phased_backoff or adaptive",
    )
    restart: Restart = Field(default="never", description="always, on-failure or never")
    max_restarts: int = Field(
        default=5, ge=0, le=1_000_000, description="a number from 0 to 1000000"
    )
    restart_window_s: float = Field(
        default=60.0, gt=0, le=86_400, description="seconds above 0, in which max_restarts counts"
    )
    restart_delay_s: float = Field(
        default=0.1, ge=0, le=3_600, description="seconds from 0 to 3600, doubled at each restart"
    )
    restart_delay_max_s: float = Field(
        default=10.0, ge=0, le=3_600, description="seconds from 0 to 3600"
    )
    hang_after_s: float = Field(
        default=0.0,
        ge=0,
        le=86_400,
        description="seconds without a sign of life after which it is killed, 0 for never",
    )
    options: dict[str, Any] = Field(
        default={}, description="a mapping of what the run function takes as its own"
    )

    def written(self, *, blocking: bool = False) -> tuple[str, ...]:
        """The rings that this process publishes to; or only those at which it stops when full."""
        return tuple(each.ring for each in self.writes if each.blocking or not blocking)


class Topology(Strict):
    """A whole graph of rings and processes; `name` begins every shared-memory name of it."""

    name: Name = Field(description="a name of 1 to 32 characters out of a-z, 0-9, _ and -")
    rings: dict[Name, Ring] = Field(description="a mapping from a ring's name to its settings")
    processes: dict[Name, Process] = Field(
        description="a mapping from a process' name to its settings"
    )
