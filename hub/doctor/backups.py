"""Nightly backups: whether they are made."""

from __future__ import annotations

import time

from hub.backup import record
from hub.config import SiteConfig
from hub.doctor.findings import WARNING, Finding, good


def backups(config: SiteConfig) -> list[Finding]:
    """Look how the nightly backups went, if there are any."""
    now_s = time.time()
    known = record.read(config.data_dir)
    if not known:
        return []
    trouble = record.trouble(config.data_dir, now_s)
    if trouble is not None:
        remedy = f"trueque hub backup --keep 14 {known['folder']} --data {config.data_dir}"
        return [Finding("backups", WARNING, trouble, f"mend that, then: {remedy}")]
    age_h = (now_s - record.newest_s(known)) / 3600
    told = f"the newest is {age_h:.0f} hours old" if "good_s" in known else "the first is to come"
    return [good("backups", f"{told}, in {known['folder']}")]
