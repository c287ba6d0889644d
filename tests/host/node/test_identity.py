"""A board makes its key once, and signs with it for ever."""

import coincurve
import pytest
from node import identity, secp256k1

CHIP = b"\xe6\x60\x58\x38\x83\x1a\x2b\x2c"


def of(directory, chip=CHIP, urandom=None):
    drawn = urandom or (lambda count: bytes(count))
    return identity.load_or_make(chip, f"{directory}/", drawn)


def test_identity_is_the_same_when_the_board_starts_again(tmp_path):
    first = of(tmp_path, urandom=lambda count: bytes([7]) * count)
    assert of(tmp_path, urandom=lambda count: bytes([8]) * count).public_key == first.public_key


def test_identities_differ_when_two_chips_draw_the_same_numbers(tmp_path):
    (tmp_path / "other").mkdir()
    assert of(tmp_path).public_key != of(tmp_path / "other", chip=CHIP[::-1]).public_key


def test_signature_is_by_the_public_key_when_identity_signs(tmp_path):
    board = of(tmp_path)
    digest = bytes(range(32))
    signature = secp256k1.finish(board.sign_steps(digest))
    parity, s = signature[32] >> 7, bytes([signature[32] & 127]) + signature[33:]
    found = coincurve.PublicKey.from_signature_and_message(
        signature[:32] + s + bytes([parity]), digest, hasher=None
    )
    assert found.format(compressed=False)[1:] == board.public_key


def test_identity_is_whole_when_power_was_cut_while_it_was_written(tmp_path):
    first = of(tmp_path)
    (tmp_path / "identity.new").write_bytes(b"TRQ1 torn")
    assert of(tmp_path).public_key == first.public_key


def test_no_identity_is_made_when_flash_takes_no_key(tmp_path):
    with pytest.raises(OSError):
        of(tmp_path / "missing")


def test_key_shows_nowhere_when_identity_is_printed(tmp_path):
    board = of(tmp_path, urandom=lambda count: bytes([7]) * count)
    kept = (tmp_path / "identity.1").read_bytes()[12:44]
    assert kept.hex() not in repr(board) + str(board)
    assert [name for name in vars(board) if not name.startswith("_")] == ["public_key"]
