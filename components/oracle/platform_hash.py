"""One hash for the whole platform's state: what a live run reports and a replay must find."""

from __future__ import annotations

import hashlib

_DOMAIN = b"platform-state-1"


def platform_hash(commands_last: int, titan_hash: str | bytes, sentinel_hash: str | bytes) -> str:
    """SHA-256, in hexadecimal, over the domain, the last command's sequence as 8 bytes
    big-endian, and the state hashes of Titan and of Sentinel, 32 bytes each."""
    digest = hashlib.sha256(_DOMAIN + commands_last.to_bytes(8, "big"))
    for part in (titan_hash, sentinel_hash):
        raw = bytes.fromhex(part) if isinstance(part, str) else part
        if len(raw) != hashlib.sha256().digest_size:
            raise ValueError(f"a state hash has 32 bytes, found {len(raw)}")
        digest.update(raw)
    return digest.hexdigest()
