"""How the whole suite runs: what stays together, in which order, and how long properties are tried.

`./tools/test` spreads tests over several processes (pytest-xdist). A process is handed one unit of
them after the other: a file, or a directory whose tests share something dear.
"""

import os

import hypothesis
import pytest

TOGETHER = (
    "tests/hil",
    "tests/host/e2e",
    "tests/host/chain",
    "tests/host/web",
    "tests/host/store",
)
"""A rig of boards, a site, a chain, a database: dear to start, or not to run twice at a time."""
LONG = (
    "tests/host/contracts",
    "tests/host/node/test_delivery_properties.py",
    "tests/host/board/test_verify.py",
    "tests/host/hub",
)
"""What must not come last, when other processes have nothing left to do."""
ORDER = TOGETHER + LONG
WAITING = 2
"""Processes beyond the processors: most tests of boards wait for the most part."""
THOROUGH_EXAMPLES = 2_000

# No deadline: what an example takes is up to whatever else the machine does.
hypothesis.settings.register_profile("usual", deadline=None)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=THOROUGH_EXAMPLES)
hypothesis.settings.load_profile(
    "thorough" if os.environ.get("TRUEQUE_THOROUGH") == "1" else "usual"
)


def _is_below(nodeid, part):
    return nodeid.startswith((f"{part}/", f"{part}::"))


def _unit_of(nodeid):
    """Return what stays together."""
    return next((part for part in TOGETHER if _is_below(nodeid, part)), nodeid.split("::")[0])


def _place_of(item):
    """Return where in the order a test comes; those without a place follow."""
    return next((at for at, part in enumerate(ORDER) if _is_below(item.nodeid, part)), len(ORDER))


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
