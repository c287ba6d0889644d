"""A few of the fuzz run's inputs with every test run; the million is for `python -m`."""

import random
import sys

import pytest
from node import mqtt_packets
from wire import parsing, records, signing

from tests.host.fuzz import signed
from tests.host.fuzz.__main__ import TARGETS, main, run

INPUTS = 300


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(signing, "hmac_sha256", signed.quick_hmac)


def names_of_firmware():
    """Return what stands behind each name of the firmware's modules, and of those they use."""
    parts = ("node.", "wire.", "launcher", "mounted", "gc", "os", "time", "asyncio")
    return {
        (module, name): value
        for module, found in list(sys.modules.items())
        if module.startswith(parts)
        for name, value in vars(found).items()
        if name == "open" or not name.startswith("__")
    }


@pytest.mark.parametrize("name", TARGETS)
def test_target_finds_nothing_when_its_inputs_are_random(name):
    seed = random.randrange(1 << 32)
    done, trace, _ = run(name, INPUTS, seed)
    assert (done, trace) == (INPUTS, None), f"{name}, seed {seed}: {trace}"


@pytest.mark.parametrize("name", TARGETS)
def test_target_leaves_the_firmware_as_it_was_when_it_ends(name):
    run(name, 1, 1)  # loads what is loaded at the first need
    before = names_of_firmware()
    run(name, 1, 2)
    after = names_of_firmware()
    assert [key for key in before | after if before.get(key) is not after.get(key)] == []


def broken(*_):
    raise KeyError("nobody expects this")


@pytest.mark.parametrize(
    ("name", "owner", "method"),
    [
        ("commands", records, "check"),
        ("ingest", parsing, "parse_object"),
        ("packets", mqtt_packets, "split_publish"),
    ],
)
def test_target_finds_the_fault_when_there_is_one(name, owner, method, monkeypatch):
    monkeypatch.setattr(owner, method, broken)
    _, trace, _ = run(name, INPUTS, 1)
    assert "nobody expects this" in trace


def test_run_ends_at_its_time_and_says_its_seed(capsys):
    assert main(["--inputs", "1000000", "--minutes", "0.002", "--target", "packets"]) == 0
    assert "packets: " in capsys.readouterr().out
