"""Fixtures of the hardware tests: `pytest tests/hil --board virtual|emulated|real`.

Virtual boards are the default; kinds that this machine cannot provide are skipped with the reason.
Emulated boards need the `emulation` extra and `--image PATH`, a MicroPython UF2 for the Pico W;
real ones `--rig FILE`. Each option has a variable: see tools/rig.py.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hil.rigs import NODES, CannotDo, EmulatedRig, Rig
from tools.rig import KINDS, Choice, NoRig, choose, emulated_image, locked, real_boards


def pytest_addoption(parser):
    parser.addoption("--board", choices=KINDS, help="kind of boards to test (TRUEQUE_BOARD)")
    parser.addoption("--image", type=Path, help="MicroPython UF2 for the Pico W (TRUEQUE_IMAGE)")
    parser.addoption("--rig", type=Path, help="file that tells of real boards (TRUEQUE_RIG)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Skip what a kind of boards can't be asked to do or to show, with the reason."""
    try:
        return (yield)
    except CannotDo as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="package")
def choice(request) -> Iterator[Choice]:
    """The boards to test, held by this run alone; skips when this machine has none."""
    options = [request.config.getoption(name, default=None) for name in ("board", "image", "rig")]
    try:
        chosen = choose(*options)
        parts = []
        if chosen.kind == "emulated":
            emulated_image(chosen)
            parts = ["emulated"]
        elif chosen.kind == "real":
            parts = list(real_boards(chosen, NODES).ports.values())
        held = locked(parts)
        held.__enter__()
    except NoRig as reason:
        pytest.skip(str(reason))
    try:
        yield chosen
    finally:
        held.__exit__(None, None, None)


@pytest.fixture(scope="package")
def image(choice) -> Path:
    """The image of emulated boards; skips on boards of another kind."""
    if choice.kind != "emulated":
        pytest.skip("only emulated boards can be looked into so deeply")
    return choice.image


@pytest.fixture(scope="package")
def rig(choice, tmp_path_factory) -> Iterator[Rig]:
    """Boards of the wanted kind, online; they end with the last test of this directory."""
    directory = tmp_path_factory.mktemp("rig")
    if choice.kind == "emulated":
        rig: Rig = EmulatedRig(directory, choice.image)
    elif choice.kind == "real":
        from tests.hil.real import RealRig

        rig = RealRig(directory, real_boards(choice, NODES))
    else:
        rig = Rig(directory)
    try:
        rig.wait_online(*NODES)
        yield rig
    finally:
        rig.stop()


@pytest.fixture(name="wait_for", scope="package")
def _wait_for(rig):
    """The function that waits for a condition with a deadline."""
    return rig.wait_for


@pytest.fixture
def at_rest(rig):
    """Begin at rest and without faults left by another test."""
    rig.wait_at_rest()
