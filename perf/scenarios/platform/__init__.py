"""The platform as bin/start runs it, with a load generator in the feed's place and one probe more.

load ──► commands ──► titan ──► events ──► sentinel ──► risk        oracle journals all three
  ▲          ▲           probe │                │ probe    │ probe
  paced      └─────────────────┴── liquidations ┘

latency       from ingress to each hop, at 1 k to 1 M commands a second
throughput    as fast as the platform takes it, beside its stages alone
soak          with --soak MINUTES: whether memory and latency stay flat
resources     start-up, CPU and memory, at rest and under load
"""
