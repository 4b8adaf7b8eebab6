"""The pre-trade gate: no order that would leave less than initial margin in the worst case.

    commands ──► verdict ──► Titan ──► events ──► the gate's Sentinel ──► next verdict
                    ▲                                                        │
                    └──────── collateral, positions, funding, tiers ◄────────┘

Sentinel is a function of Titan's events alone.  So the gate holds a second one and feeds it as soon
as the events are there, instead of an arithmetic of its own: what it knows of an account is what
Sentinel will know, to the last unit, and needs no place in a snapshot beside Sentinel's.  A verdict
goes with the command in its reserved byte, in a copy; Titan refuses by it at its place among
all other rules, and everything else about an order stays Titan's.

open_orders    an account's orders, as a list into Titan's own
requirement    what the account needs in the worst case
verdict        one command judged, and its worst price
gate           the loop
"""

from components.risk_gate.gate import RiskGate, verdicts_needed

__all__ = ["RiskGate", "verdicts_needed"]
