"""The hub's panel, its alarms and its disk, as `trueque hub status` tells them: a line each."""

from __future__ import annotations

import json
import shutil
import urllib.request
from typing import Any

from hub.config import SiteConfig
from hub.doctor import files
from hub.doctor.findings import FAILED, GOOD, WARNING
from hub.store import Store

ASK_S = 5.0
MOST = 200  # of alarms are counted
PANEL_MEMBERS = ("is_stopped", "reason", "since_ms", "is_pressed", "has_permit",
                 "is_contactor_closed")  # fmt: skip

Line = dict[str, Any]


def _line(level: str, sentence: str, **members: Any) -> Line:
    return {"level": level, "is_well": level != FAILED, "sentence": sentence, **members}


def panel(page_url: str | None) -> Line:
    """Ask a running hub for its panel; without one no contactor has a permit."""
    if page_url is None:
        return _line(WARNING, "no permit: the hub does not run", has_permit=False)
    found = _panel_record(page_url)
    if found is None:
        return _line(WARNING, "the page does not tell", has_permit=None)
    members = {name: found[name] for name in PANEL_MEMBERS}
    if found["is_stopped"]:
        sentence = f"{found['reason']}: no permit until a person acknowledges it"
        return _line(FAILED, sentence, **members)
    if not found["has_permit"]:
        return _line(WARNING, "no permit yet", **members)
    if not found["is_contactor_closed"]:
        return _line(WARNING, "permit given, a contactor is open: press START", **members)
    return _line(GOOD, "permit given, contactors closed", **members)


def _panel_record(page_url: str) -> Line | None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback: no proxy
    try:
        with opener.open(f"{page_url}api/snapshot", timeout=ASK_S) as answer:
            found = json.loads(answer.read())["panel"]
        return found if isinstance(found, dict) and found.keys() >= set(PANEL_MEMBERS) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the page has a line of its own


def alarms(store: Store) -> Line:
    """Count the alarms that hold or that nobody has seen yet, and tell the newest."""
    found = store.alarms(only_standing=True, limit=MOST)
    if not found:
        return _line(GOOD, "none stands", standing=0, holding=0, newest=None)
    newest = {name: getattr(found[0], name)
              for name in ("alarm_id", "severity", "sentence", "raised_at_ms")}  # fmt: skip
    holding = [one for one in found if one.cleared_at_ms is None]
    count = f"{len(found)} to look at, {len(holding)} of them hold"
    sentence = f"{count}; the newest: {newest['sentence']} (trueque hub alarms)"
    level = FAILED if any(one.severity == "fault" for one in holding) else WARNING
    return _line(level, sentence, standing=len(found), holding=len(holding), newest=newest)


def disk(config: SiteConfig) -> Line:
    """Tell how much room the site's disk has left; `doctor` looks at logs, too."""
    first = files.disk(config)[0]
    free_bytes = shutil.disk_usage(config.data_dir).free
    return _line(first.level, first.sentence, free_bytes=free_bytes)
