"""Bridges of a running hub: its page's address enters, who of them does not run leaves."""

from __future__ import annotations

import json
import urllib.request

from hub.doctor.findings import WARNING, Finding, good

ASK_S = 5.0
REMEDY = "it tries again by itself; trueque hub bridges list names missing keys"


def bridges(page_url: str) -> list[Finding]:
    """Ask the hub how its bridges fare; nothing where it has none or does not answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback: no proxy
    try:
        with opener.open(f"{page_url}api/bridges", timeout=ASK_S) as answer:
            states = json.loads(answer.read())["states"]
        found = [
            Finding("bridges", WARNING, f"{one['name']} waits: {one['problem']}", REMEDY)
            for one in states
            if not one["is_running"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # the page has a finding of its own
    return found or ([good("bridges", f"{len(states)} run")] if states else [])
