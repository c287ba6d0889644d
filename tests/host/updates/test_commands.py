"""The technician's commands: keys that are kept safe, releases, and what the hub will not take."""

import json
import re

import mounted
import pytest
from click.testing import CliRunner
from wire import package

from hub.errors import BadInput
from hub.updates.command import read_package
from hub.updates.signature import has_signed
from tests.host.updates.samples import KEY, STRANGER, made
from tools.board import release_key
from tools.board.release import Release, build, source_release
from tools.board.release_cli import keygen, release

PASSPHRASE = "correct horse battery"


@pytest.fixture
def passphrase(tmp_path):
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    return path


@pytest.fixture
def key_file(tmp_path, passphrase):
    """A key file; its public key stands in it."""
    path = tmp_path / "technician.key"
    argv = ["--out", str(path), "--passphrase-file", str(passphrase)]
    done = CliRunner().invoke(keygen, argv)
    assert done.exit_code == 0
    assert re.fullmatch("[0-9a-f]{128}\n", done.output)
    return path


def test_key_is_its_owners_and_encrypted_when_it_is_made(key_file):
    assert key_file.stat().st_mode & 0o777 == 0o600
    kept = json.loads(key_file.read_text())
    assert kept["crypto"]["kdf"] == "scrypt"
    made_key = release_key.load(key_file, PASSPHRASE)
    assert kept["public_key"] == made_key.public_key == release_key.public_key_of(key_file)
    digest = bytes(range(32))
    assert has_signed(made_key.public_key, digest, made_key.sign(digest))
    assert not has_signed(made_key.public_key, bytes(32), made_key.sign(digest))


def test_key_is_refused_when_the_passphrase_is_wrong(key_file):
    with pytest.raises(BadInput, match="passphrase is wrong"):
        release_key.load(key_file, PASSPHRASE + "x")


def test_key_is_never_overwritten(key_file, passphrase):
    before = key_file.read_bytes()
    with pytest.raises(BadInput, match="never overwritten"):
        release_key.create(key_file, PASSPHRASE)
    assert key_file.read_bytes() == before


def test_key_is_refused_when_the_passphrase_is_short(tmp_path):
    with pytest.raises(BadInput, match="8 characters"):
        release_key.create(tmp_path / "k", "short")
    assert not (tmp_path / "k").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"public_key": 5}', '{"crypto": 5}'])
def test_key_file_is_refused_when_it_is_none(tmp_path, text):
    path = tmp_path / "k"
    path.write_text(text)
    for read in (release_key.public_key_of, lambda path: release_key.load(path, PASSPHRASE)):
        with pytest.raises(BadInput):
            read(path)


def test_release_is_a_package_of_the_whole_firmware_when_it_is_built(
    key_file, tmp_path, passphrase
):
    out = tmp_path / "fw.trq"
    argv = ["--key", str(key_file), "--passphrase-file", str(passphrase), "--number", "9"]
    done = CliRunner().invoke(release, [*argv, "--name", "0.9.0", "--out", str(out)])
    assert done.exit_code == 0, done.output
    row, content = read_package(out, release_key.public_key_of(key_file))
    assert (row.number, row.version, row.size) == (9, "0.9.0", len(content))
    manifest, _, files = package.split(content)
    assert package.parse_manifest(manifest).arch == "armv6m"
    for name in (b"node/program.mpy", b"node/sensors/ina226.mpy", b"node/app.mpy"):
        assert mounted.find_file(manifest, name)
    offset, size = mounted.find_file(manifest, b"node/version.mpy")
    assert b"0.9.0" in files[offset : offset + size]


def test_release_is_the_same_bytes_when_it_is_built_again():
    wanted = Release(9, "0.9.0", "armv6m")
    assert build(wanted, KEY) == build(wanted, KEY)


def test_release_is_refused_when_its_name_is_none_a_board_takes():
    with pytest.raises(BadInput, match="boards would refuse it"):
        build(Release(9, "new firmware!", "armv6m"), KEY)


def test_sources_tell_their_release():
    number, version = source_release()
    assert number >= 1
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)


@pytest.mark.parametrize(
    ("content", "update_key", "said"),
    [
        (made(number=7), "", "update_key is not set"),
        (made(number=7), STRANGER.public_key, "not signed with the key"),
        (made(number=7)[:-1], KEY.public_key, "not a firmware package"),
        (b"", KEY.public_key, "not a firmware package"),
    ],
)
def test_package_is_refused_by_the_hub_when_no_board_would_take_it(
    tmp_path, content, update_key, said
):
    path = tmp_path / "fw.trq"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=said):
        read_package(path, update_key)
