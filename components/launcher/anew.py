"""What a process needs that is started with the code of now, beside a platform that runs.

It is handed the running platform's configuration, so that it has the instruments and parameters
that the others have; a setting that only the new code knows has its default.  The state with which
the run began it is not handed: it goes on from the newest snapshot, be that from before this run, or
from the journal's beginning.  So it is told where the rings begin, which hold nothing from before.
"""

from __future__ import annotations

import base64
import pickle
from collections.abc import Mapping
from typing import Any, Final

import click
from pydantic import BaseModel

from components.configuration.model import PlatformConfiguration
from components.launcher.warm_up import warm_up
from components.logs import configure as configure_logs
from components.oracle.replay import RestoredState
from components.run_settings import RunSettings
from disruptor.errors import ConfigurationError
from disruptor.supervisor.handover import Recipe

_MAKE: Final = "components.launcher.anew:make"


def recipe(settings: RunSettings) -> Recipe:
    """How the successors of a platform's processes come to what these have."""
    pickled = base64.b64encode(pickle.dumps(settings.configuration)).decode()
    return Recipe(_MAKE, {"configuration": pickled, "before": dict(settings.before)})


def make(given: Mapping[str, Any]) -> tuple[PlatformConfiguration, RunSettings]:
    """Topology and settings; kernels that have changed are compiled, and progress is told."""
    configuration = handed(given)
    configure_logs(configuration.log_level)
    titan = configuration.titan
    warm_up(click.echo, merge=titan.shards > 1, gate=titan.risk_gate)
    settings = RunSettings(
        configuration,
        configuration.instrument_table(),
        RestoredState.beginning(titan.shards),
        given["before"],
    )
    return configuration, settings


def handed(given: Mapping[str, Any]) -> PlatformConfiguration:
    """The configuration in a recipe."""
    pickled = base64.b64decode(given["configuration"])
    found: PlatformConfiguration = of_this_schema(pickle.loads(pickled))  # noqa: S301  (the parent's own)
    return found


def of_this_schema(value: Any) -> Any:
    """The same with the fields that the classes have now, which are not those of when it was made.

    ConfigurationError for a new field that has no default.
    """
    if isinstance(value, BaseModel):
        kind, known = type(value), vars(value)
        for name, field in kind.model_fields.items():
            if field.is_required() and name not in known:
                raise ConfigurationError(
                    f"the code of now wants {kind.__name__}.{name}, which the running platform was "
                    "not given; it needs a new start"
                )
        kept = {name: of_this_schema(known[name]) for name in kind.model_fields if name in known}
        return kind.model_construct(value.model_fields_set & kept.keys(), **kept)
    if isinstance(value, dict):
        return {key: of_this_schema(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(of_this_schema(each) for each in value)
    return value
