"""What must hold in the table [chain] of site.toml beyond single fields."""

from __future__ import annotations

from urllib.parse import urlsplit

from hub.config_tables import Chain


def check_chain(chain: Chain, problems: list[str]) -> None:
    """Name addresses of a chain that are none."""
    for name, schemes in (("url", ("http", "https")), ("ws_url", ("ws", "wss"))):
        text = getattr(chain, name)
        if not text:
            continue
        try:
            parts = urlsplit(text)
            is_good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_good = False
        if not is_good:
            wanted = " or ".join(f"{scheme}://host:port" for scheme in schemes)
            problems.append(f"chain.{name} must be {wanted}")  # not shown: it may hold a key
    if chain.ws_url and not chain.url:
        problems.append("chain.ws_url stands beside chain.url only")
