"""The machine: programs and their versions, and its clock."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess

from hub.chain.process import find_ganache, find_node
from hub.config import SiteConfig
from hub.doctor.findings import FAILED, WARNING, Finding, good
from hub.errors import PartMissing
from hub.mqtt.broker import find_mosquitto
from hub.time_server import is_host_synchronised

ASK_S = 10


def programs() -> list[Finding]:
    """Look for the programs that the hub starts, and tell their versions."""
    found = [good("programs", f"Trueque {importlib.metadata.version('trueque')}")]
    try:
        ganache = json.loads((find_ganache() / "package.json").read_text())["version"]
        found.append(good("programs", f"Node.js {_said([str(find_node()), '--version'])}, "
                                      f"Ganache {ganache}"))  # fmt: skip
    except PartMissing as missing:
        found.append(Finding("programs", FAILED, str(missing), "run ./tools/run once, or npm ci"))
    mosquitto = find_mosquitto()
    if mosquitto is None:
        found.append(Finding("programs", WARNING, "Mosquitto is not installed: the embedded broker "
                             "runs, without an access list per board",
                             "sudo apt install mosquitto"))  # fmt: skip
    else:
        found.append(good("programs", _said([mosquitto, "-h"])))
    return found


def _said(command: list[str]) -> str:
    """Return the first line that a program prints, or why it did not run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_S)
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"({command[0]}: {problem})"
    return next(iter((done.stdout or done.stderr).splitlines()), "(said nothing)")


def clock(config: SiteConfig) -> list[Finding]:
    """Look whether the kernel's clock follows a time server: boards and contract go by it."""
    if is_host_synchronised():
        return [good("clock", "follows a time server")]
    if config.site.kind == "bench":
        return [good("clock", "follows no time server; a bench needs none")]
    remedy = "sudo timedatectl set-ntp true, or install chrony and set ntp.serve = false"
    sentence = "follows no time server: the hub gives boards no time and opens no market"
    return [Finding("clock", FAILED, sentence, remedy)]
