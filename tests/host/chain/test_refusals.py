"""Every error of the contract becomes a sentence with numbers and units."""

from __future__ import annotations

import re

import pytest
from eth_abi import encode
from eth_utils import function_abi_to_4byte_selector, get_abi_input_types

from hub.chain.abi import market_abi, snake_case
from hub.chain.artefact import load_artefact
from hub.chain.refusals import refusal

ERRORS = [one for one in load_artefact().abi if one["type"] == "error"]
SAMPLES = {
    "address": "0x" + "00" * 19 + "07",
    "bytes32": b"house-1".ljust(32, b"\0"),
    "uint8": 1,
    "bool": True,
    "uint256": 1_234_567,
    "string": "because",
}


def selector(entry):
    return function_abi_to_4byte_selector({**entry, "type": "function"})


def revert_of(entry):
    types = get_abi_input_types(entry)
    return selector(entry) + encode(types, [SAMPLES[kind] for kind in types])


@pytest.mark.parametrize("entry", ERRORS, ids=lambda entry: entry["name"])
def test_error_becomes_a_sentence_of_its_own(entry):
    problem = refusal(revert_of(entry))
    assert problem.error_name == entry["name"]
    assert set(problem.values) == {snake_case(one["name"]) for one in entry["inputs"]}
    sentence = str(problem)
    assert re.fullmatch(r"[A-Z0-9].*\.", sentence), sentence
    assert entry["name"] not in sentence, "not only the error's name"


def test_sentence_shows_energy_in_mwh_and_money_in_eth():
    entry = next(one for one in ERRORS if one["name"] == "EnergyNotLeft")
    problem = refusal(selector(entry) + encode(["uint256"] * 3, [4, 34_723, 1]))
    assert str(problem) == "Only 0.001 mWh are left of order 4, not 34.723 mWh."
    entry = next(one for one in ERRORS if one["name"] == "BalanceTooLow")
    revert = encode(["address", "uint256", "uint256"], [SAMPLES["address"], 34_723, 1])
    assert str(refusal(selector(entry) + revert)) == (
        "0.000000000000034723 ETH needed, but peer "
        "0x0000000000000000000000000000000000000007 has 0.000000000000000001 ETH in the market."
    )


def test_sentence_names_the_role_that_is_missing():
    entry = next(one for one in ERRORS if one["name"] == "AccessControlUnauthorizedAccount")
    revert = selector(entry) + encode(["address", "bytes32"], [SAMPLES["address"], bytes(32)])
    assert str(refusal(revert)).endswith("is not the administrator.")


@pytest.mark.parametrize(
    ("revert", "sentence"),
    [
        (b"", "The contract refused the call without a reason."),
        (b"\x01\x02\x03\x04", "The contract refused the call without a reason (0x01020304)."),
        (
            bytes.fromhex("08c379a0") + encode(["string"], ["because"]),
            "The contract said: because",
        ),
        (
            bytes.fromhex("4e487b71") + encode(["uint256"], [0x11]),
            "The contract failed with panic code 0x11.",
        ),
    ],
)
def test_unknown_reverts_become_a_sentence_too(revert, sentence):
    assert str(refusal(revert)) == sentence


def test_revert_with_a_cut_tail_does_not_raise():
    entry = next(one for one in ERRORS if one["name"] == "EnergyNotLeft")
    assert refusal(selector(entry) + b"\0" * 31).error_name == ""


def test_times_beyond_any_calendar_are_shown_as_numbers():
    entry = next(one for one in ERRORS if one["name"] == "ReportTooLate")
    revert = selector(entry) + encode(["uint256"] * 3, [1, 2**255, 0])
    assert f"second {2**255}" in str(refusal(revert))
    assert "1970-01-01 00:00:00 UTC" in str(refusal(revert))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("priceGweiPerKwh", "price_gwei_per_kwh"),
        ("energyUwh", "energy_uwh"),
        ("openWindow", "open_window"),
        ("nowS", "now_s"),
        ("peerAt", "peer_at"),
    ],
)
def test_names_become_snake_case(name, expected):
    assert snake_case(name) == expected


def test_abi_knows_every_function_and_event_of_the_artefact():
    kinds = [one["type"] for one in load_artefact().abi]
    assert len(market_abi().functions) == kinds.count("function")
    assert len(list(market_abi().contract.events)) == kinds.count("event")
