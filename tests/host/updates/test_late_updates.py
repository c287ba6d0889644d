"""Updates are only loaded when there is one, and only while no delivery is near."""

import asyncio
import subprocess
import sys

import pytest
from node.late_updates import LateUpdates

from tests.host.updates.board import Turns
from tools.board.firmware_files import FIRMWARE_DIR

OFFER = {"what": "offer", "package_id": "ab" * 16, "number": 7, "size": 1000}


class Boots:
    trial = failed = None


class Whole:
    """What Updates is to it."""

    def __init__(self):
        self.taken = []
        self.has_announced = False

    def take(self, record):
        self.taken.append(record)

    def announce(self):
        self.has_announced = True

    async def run(self, turns):
        await asyncio.sleep(3600)


class Late:
    """LateUpdates with what it asks for in the test's hand."""

    def __init__(self, problems=()):
        self.is_idle = True
        self.built = []
        self._problems = list(problems)
        self.boots = Boots()
        self.updates = LateUpdates(self.boots, lambda: self.is_idle, self._build)

    def _build(self):
        if self._problems:
            raise self._problems.pop()
        self.built.append(Whole())
        return self.built[-1]

    def run(self, looks=3):
        """Let its task look some times."""

        async def some():
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(self.updates.run(Turns()), looks * 0.2 + 0.1)

        asyncio.run(some())


def test_offer_is_taken_when_no_delivery_is_near():
    late = Late()
    late.updates.take(OFFER)
    assert late.built == []
    late.run()
    assert [whole.taken for whole in late.built] == [[OFFER]]


def test_nothing_is_loaded_when_a_delivery_runs():
    late = Late()
    late.is_idle = False
    late.updates.take(OFFER)
    late.run()
    assert late.built == []
    late.is_idle = True
    late.run()
    assert late.built[0].taken == [OFFER]


@pytest.mark.parametrize(("package_id", "built"), [("ab" * 16, 0), ("cd" * 16, 1)])
def test_offer_is_forgotten_when_it_is_cancelled(package_id, built):
    late = Late()
    late.updates.take(OFFER)
    late.updates.take({"what": "cancel", "package_id": package_id})
    late.run()
    assert len(late.built) == built


@pytest.mark.parametrize("problem", [MemoryError(), ImportError("no module")])
def test_node_goes_on_when_there_is_no_memory_for_an_update(problem):
    late = Late([problem])
    late.updates.take(OFFER)
    late.run()
    assert late.built == []
    late.updates.take(OFFER)
    late.run()
    assert late.built[0].taken == [OFFER]


@pytest.mark.parametrize(
    ("trial", "failed", "is_loaded"),
    [
        (None, None, False),
        (["a", 7, 1], None, True),
        (None, [7, "hub_not_reached", 1, False], True),
        (None, [7, "hub_not_reached", 1, True], False),
    ],
)
def test_boot_loads_updates_when_there_is_something_to_tell(trial, failed, is_loaded):
    late = Late()
    late.boots.trial, late.boots.failed = trial, failed
    late.updates.announce()
    assert [whole.has_announced for whole in late.built] == [True] * is_loaded


def test_modules_of_updates_are_not_loaded_when_the_node_has_been_imported():
    code = (
        "import launcher, sys\n"
        "for name in ('machine', 'network', 'rp2'): sys.modules[name] = sys\n"
        "launcher.Boots()\n"
        "from node import program\n"
        "from node.app import Node\n"
        "print([name for name in sys.modules if name.startswith(('node', 'wire', 'mounted'))])"
    )
    done = subprocess.run(
        [sys.executable, "-m", "micropython_unix", "-c", code], capture_output=True, text=True,
        cwd=FIRMWARE_DIR, timeout=60,
    )  # fmt: skip
    loaded = done.stdout
    assert "'node.delivery'" in loaded, done.stderr
    for name in (
        "node.updates",
        "node.staging",
        "wire.package",
        "mounted",
        "node.settings",
        "node.part_checks",
    ):
        assert f"'{name}'" not in loaded
