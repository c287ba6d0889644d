"""Public keys of boards: written down once, approved as addresses."""

from __future__ import annotations

import pytest
from eth_account import Account

from hub import board_keys
from hub.errors import ConfigError
from tools.bench.house import unique_id_of
from tools.bench.identities import public_key

BOARD = Account.create()
KEY = BOARD._key_obj.public_key.to_bytes().hex()


def test_address_is_the_boards_when_its_public_key_was_remembered(tmp_path):
    board_keys.remember(tmp_path, {"house-1": KEY})
    assert board_keys.addresses(tmp_path / board_keys.FILE_NAME) == {"house-1": BOARD.address}


def test_keys_of_other_houses_stay_when_one_is_remembered(tmp_path):
    board_keys.remember(tmp_path, {"house-1": KEY})
    board_keys.remember(tmp_path, {"house-2": KEY})
    assert list(board_keys.addresses(tmp_path / board_keys.FILE_NAME)) == ["house-1", "house-2"]


def test_no_board_has_a_key_when_nothing_was_remembered(tmp_path):
    assert board_keys.addresses(tmp_path / board_keys.FILE_NAME) == {}


@pytest.mark.parametrize("key", ["", "00" * 64, KEY.upper().replace("0X", ""), KEY[:-2], 7])
def test_key_is_refused_and_named_when_it_is_none(tmp_path, key):
    with pytest.raises(ConfigError, match="house-1 must be a public key"):
        board_keys.remember(tmp_path, {"house-1": key})
    assert not (tmp_path / board_keys.FILE_NAME).exists()


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_file_is_refused_when_it_is_damaged(tmp_path, text):
    (tmp_path / board_keys.FILE_NAME).write_text(text)
    with pytest.raises(ConfigError, match="board_keys.json"):
        board_keys.addresses(tmp_path / board_keys.FILE_NAME)


def test_virtual_board_makes_its_key_once_in_its_own_flash(tmp_path):
    chip = unique_id_of("house-1")
    first = public_key(tmp_path / "house-1", chip)
    assert public_key(tmp_path / "house-1", chip) == first
    assert public_key(tmp_path / "house-2", unique_id_of("house-2")) != first
    board_keys.remember(tmp_path, {"house-1": first})
    flash = b"".join(path.read_bytes() for path in (tmp_path / "house-1").iterdir())
    assert bytes.fromhex(first) in flash
