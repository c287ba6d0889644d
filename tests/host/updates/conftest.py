"""A whole node that updates are brought to."""

import pytest

from tests.host.node.conftest import clock, machine, ticks  # noqa: F401  # fixtures
from tests.host.node.rig import Rig
from tests.host.updates.board import online, switch_off
from tests.host.updates.samples import KEY


@pytest.fixture
def rig(ticks, tmp_path, monkeypatch):  # noqa: F811  # the fixture, not the import
    """A node that knows the technician and has run for a second."""
    monkeypatch.chdir(tmp_path)
    rig = Rig(ticks, monkeypatch, update_key=KEY.public_key)
    online(rig)
    rig.run(1000)
    yield rig
    switch_off(rig)
