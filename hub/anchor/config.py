"""The table [anchor] of site.toml: an outside chain that keeps the hashes of closed windows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from hub.fields import field

_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")


@dataclass(frozen=True)
class Anchor:
    """`rpc_url`: a node of that chain; empty: none. `to`: whom the transactions go to, by default
    the site's own account there."""

    rpc_url: str = field("")
    to: str = field("")


def check_anchor(anchor: Anchor, problems: list[str]) -> None:
    """Check what the bounds of a field cannot say."""
    if anchor.rpc_url:
        try:
            parts = urlsplit(anchor.rpc_url)
            is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_good = False
        if not is_good:
            problems.append("anchor.rpc_url must be http://host:port or https://host/...")
    if anchor.to and not _ADDRESS.fullmatch(anchor.to):
        problems.append("anchor.to must be an address: 0x and 40 hexadecimal digits")
