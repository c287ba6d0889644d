"""Virtual boards on pseudo-terminals, and a firmware small enough to be flashed many times."""

import json
import time

import pytest

from tests.host.node.rig import settings_members
from tools.board.firmware import build
from tools.board.firmware_files import FIRMWARE_DIR
from tools.board.virtual_port import VirtualPort

MODULES = ("boot.py", "main.py", "node/__init__.py", "node/version.py", "node/roots.py")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """A virtual board needs no time for USB to come back."""
    monkeypatch.setattr("tools.board.prompt.SETTLE_S", 0.3)
    monkeypatch.setattr("tools.board.prompt.READ_S", 1.0)


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A firmware of few modules, for the machine that runs virtual boards."""
    sources = tmp_path_factory.mktemp("sources")
    for name in MODULES:
        (sources / name).parent.mkdir(exist_ok=True)
        (sources / name).write_bytes((FIRMWARE_DIR / name).read_bytes())
    return build("x64", sources)


@pytest.fixture
def flash_dir(tmp_path):
    """The erased flash of a virtual board."""
    directory = tmp_path / "house-1"
    directory.mkdir()
    return directory


@pytest.fixture
def provisioned(flash_dir):
    """The flash of a board with settings, its firmware that of the checkout."""
    settings = settings_members(relay_active_low=False, spike_correction=True)
    (flash_dir / "settings.json").write_text(json.dumps(settings))
    return flash_dir


@pytest.fixture
def bench(flash_dir):
    """A virtual board on a port."""
    with VirtualPort(flash_dir) as port:
        yield port


def wait_for(condition, timeout_s, what):
    """Return the condition's value once it is true."""
    deadline_s = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline_s, f"{what} did not happen within {timeout_s:g} s"
        time.sleep(0.02)
    return value
