"""How the whole suite runs: what stays together, in which order, and how long properties are tried.

`./tools/test` spreads tests over several processes (pytest-xdist). A process is handed one unit of
them after the other: a file, or a directory whose tests share something dear.
"""

import os
import signal

import hypothesis
import pytest

from tests.host.thorough import examples

TOGETHER = ("tests/hil", "tests/host/chain", "tests/host/store", "tests/host/web")
"""A rig of boards, a chain, a database: dear to start, or not to run twice at a time."""
FIRST = (
    "tests/hil",
    "tests/host/e2e/test_loop.py",
    "tests/host/contracts",
    "tests/host/e2e",
    "tests/host/chain",
    "tests/host/web",
    "tests/host/store",
    "tests/host/updates/test_power_cuts.py",
    "tests/host/power",
    "tests/host/node/test_delivery_properties.py",
    "tests/host/board/test_verify.py",
    "tests/host/hub",
)
"""What takes longest, longest first, what computes among what waits: nothing must be left when
other processes are done."""
WAITING = 2
"""Processes beyond the processors: boards and sites wait for the most part."""
USUAL_EXAMPLES = 100

# A shell that starts the suite in the background has it ignore Ctrl-C, and so would every program
# that a test starts and ends by it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Whatever else the machine does may make an example slow. CI's own profile stays underneath: there
# the examples are the same in every run.
hypothesis.settings.register_profile(
    "suite",
    hypothesis.settings.default,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    max_examples=examples(USUAL_EXAMPLES),
)
hypothesis.settings.load_profile("suite")


def _is_below(nodeid, part):
    return nodeid.startswith((f"{part}/", f"{part}::"))


def _unit_of(nodeid):
    """Return what stays together."""
    return next((part for part in TOGETHER if _is_below(nodeid, part)), nodeid.split("::")[0])


def _place_of(item):
    """Return where in the order a test comes; those without a place follow."""
    return next((at for at, part in enumerate(FIRST) if _is_below(item.nodeid, part)), len(FIRST))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.sort(key=_place_of)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    return len(os.sched_getaffinity(0)) + WAITING


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Units(LoadScopeScheduling):
        """Hands units out in the order of the tests."""

        def _split_scope(self, nodeid):
            return _unit_of(nodeid)

    config.option.loadscopereorder = False
    return Units(config, log)
