"""Topologies in YAML that the tests of this folder start from."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from disruptor.topology.load import load_topology
from disruptor.topology.model import Topology

PIPELINE = """\
name: pipeline
rings:
  commands: {capacity: 64, event: "numpy:int64", producers: multi}
  events: {capacity: 64, event: "numpy:int64"}
  risk: {capacity: 64, event: "numpy:int64"}
processes:
  feed:
    run: some.module:run
    writes: [commands]
  titan:
    run: some.module:run
    reads: [commands]
    writes: [events]
  sentinel:
    run: some.module:run
    reads: [events]
    writes: [risk, {ring: commands, blocking: false}]
  oracle:
    run: some.module:run
    reads: [commands, events, risk]
"""


def written(folder: Path, text: str, name: str = "topology.yaml") -> Path:
    """A file of that YAML text."""
    path = folder / name
    path.write_text(dedent(text), "utf-8")
    return path


def topology(folder: Path, text: str = PIPELINE, *overrides: str) -> Topology:
    """The topology of that YAML text."""
    return load_topology(written(folder, text), overrides)
