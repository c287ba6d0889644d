"""The running parts: a hub that is up is spoken to; of one that is not, the ports are tried."""

from __future__ import annotations

import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from hub import certificates, running
from hub.config import SiteConfig
from hub.doctor.bridges import bridges
from hub.doctor.findings import FAILED, WARNING, Finding, good
from hub.mqtt.broker import HOST
from hub.processes import is_port_open, is_udp_port_taken

ASK_S = 5.0
BEHIND_S = 120


def running_parts(config: SiteConfig) -> list[Finding]:
    """Ask broker, chain and page of a running hub; else try the configured ports."""
    state = running.announced(config.data_dir)
    if state is None:
        return _left_behind(config) + _ports(config)
    found = [good("hub", f"up, process {state['pid']}, epoch {state['epoch']}")]
    ports: Mapping[str, int] = state["ports"]
    found.append(_broker(config, ports["broker"]))
    found.append(_chain(state["rpc_url"]))
    found.append(_page(state["page_url"]))
    return found + bridges(state["page_url"])


def _left_behind(config: SiteConfig) -> list[Finding]:
    path = config.data_dir / running.STATE_FILE
    if not path.exists():
        return [Finding("hub", WARNING, "not running", f"trueque hub up --data {config.data_dir}")]
    sentence = "was killed: relays opened when their leases ended, trades go on at the next start"
    return [Finding("hub", WARNING, sentence, f"trueque hub up --data {config.data_dir}")]


def _ports(config: SiteConfig) -> list[Finding]:
    """Name the configured ports that another program has."""
    found = []
    for name in ("broker", "chain", "page", "ntp"):
        port: int = getattr(config, name).port
        is_taken = is_udp_port_taken if name == "ntp" else is_port_open
        if port and (name != "ntp" or config.ntp.serve) and is_taken(port):
            sentence = f"{name}.port {port} is in use by another program"
            remedy = f"stop it (ss -ltnup | grep :{port}), or set {name}.port to 0"
            found.append(Finding("ports", FAILED, sentence, remedy))
    return found or [good("ports", "the configured ones are free")]


def _broker(config: SiteConfig, port: int) -> Finding:
    host = HOST if config.broker.listen in (HOST, "0.0.0.0") else config.broker.listen
    remedy = f"see {config.data_dir / 'broker' / 'broker.log'}"
    try:
        with socket.create_connection((host, port), ASK_S) as plain:
            if not config.broker.tls:
                return good("broker", f"listens on {host}:{port} without TLS")
            files = certificates.TlsFiles(config.tls_dir)
            context = ssl.create_default_context(cafile=str(files.authority))
            with context.wrap_socket(plain, server_hostname=certificates.BROKER_NAME) as shown:
                return good("broker", f"answers on {host}:{port} with {shown.version()}")
    except TimeoutError:  # a process that hangs still has its port
        sentence = f"takes connections on {host}:{port} and says nothing: it hangs"
        remedy = "a running hub ends it within a minute and starts another"
        return Finding("broker", FAILED, sentence, remedy)
    except ssl.SSLError as problem:
        return Finding("broker", FAILED, f"its certificate is refused: {problem}", remedy)
    except OSError as problem:
        return Finding("broker", FAILED, f"no answer on {host}:{port}: {problem}", remedy)


def _chain(url: str) -> Finding:
    from hub.chain.rpc import shown  # web3 takes a second to import

    place = shown(url)
    remedy = "a running hub starts it again; see log/chain.log"
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber",
                "params": ["latest", False]}  # fmt: skip
    try:
        block = _ask(url, question)["result"]
        number, at_s = int(block["number"], 16), int(block["timestamp"], 16)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        return Finding("chain", FAILED, f"no answer at {place}: {problem}", remedy)
    ahead_s = at_s - int(time.time())
    if ahead_s > BEHIND_S:
        sentence = f"block {number} is {ahead_s} s ahead of this machine's clock"
        return Finding("chain", WARNING, sentence, "set the machine's clock (timedatectl)")
    return good("chain", f"block {number} at {place}")


def _page(url: str) -> Finding:
    try:
        with _opener().open(url, timeout=ASK_S) as answer:
            return good("page", f"answers at {url} ({answer.status})")
    except OSError as problem:
        return Finding("page", FAILED, f"no answer at {url}: {problem}", "restart the hub")


def _ask(url: str, question: object) -> dict[str, Any]:
    request = urllib.request.Request(
        url, json.dumps(question).encode(), {"Content-Type": "application/json"}
    )
    with _opener().open(request, timeout=ASK_S) as answer:
        said: dict[str, Any] = json.loads(answer.read())
    return said


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback: no proxy
