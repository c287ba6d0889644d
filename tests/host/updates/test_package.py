"""Firmware packages: what is one, what is not, and bytes nobody meant to send."""

import hashlib

import mounted
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import package
from wire.package import PackageError

from hub.updates.signature import has_signed
from tests.host.thorough import examples
from tests.host.updates.samples import KEY, STRANGER, made, manifest_of

RP2040, RP2350 = 6 | 3 << 8 | 4 << 10, 6 | 3 << 8 | 7 << 10  # sys.implementation._mpy
X64 = 6 | 3 << 8 | 2 << 10


def reason(content):
    with pytest.raises(PackageError) as caught:
        package.split(content)
    return caught.value.args[0]


def changed(content, old, new):
    """Change text of the manifest, its length kept right."""
    manifest, signature, files = package.split(content)
    assert old in manifest
    other = manifest.replace(old, new)
    head = package.MAGIC + len(other).to_bytes(2, "big")
    return head + other + signature + files


def test_package_gives_back_what_was_put_in():
    content = made({"node/program.mpy": b"abc", "wire/units.mpy": b"defg"}, number=7)
    manifest, signature, files = package.split(content)
    assert files == b"abcdefg"
    assert mounted.find_file(manifest, b"wire/units.mpy") == (3, 4)
    assert mounted.find_file(manifest, b"wire/unit") is None
    assert [mounted.find_file(manifest, name) for name in (b"size", b"arch", b"files")] == [
        None
    ] * 3
    assert mounted.has_directory(manifest, b"node")
    assert not mounted.has_directory(manifest, b"nod")
    found = package.parse_manifest(manifest)
    assert (found.number, found.version, found.arch, found.mpy) == (7, "0.7.0", "armv6m", (6, 3))
    assert has_signed(KEY.public_key, package.signed_digest(manifest), signature)
    assert not has_signed(STRANGER.public_key, package.signed_digest(manifest), signature)


@pytest.mark.parametrize(
    "name",
    [
        "../boot.py", "/boot.py", "boot.py", "main.py", "launcher.py", "node/../boot.py",
        "node/./a.mpy", "node//a.mpy", "node/.mpy", "node/a", "node/a.txt", "node/a.mpy.mpy",
        "node/A.mpy", "node/a b.mpy", "node/a\\b.mpy", "lib/a.mpy", "node/a/b/c/d.mpy",
        "node/" + "a" * 64 + ".mpy", "node/\u00e4.mpy", "node/a\x00.mpy", "settings.json", "",
    ],
)  # fmt: skip
def test_package_is_refused_when_a_file_has_a_weird_name(name):
    assert reason(made({"node/program.mpy": b"abc", name: b"x"})) == "bad_package"


def test_package_is_refused_when_a_module_stands_twice():
    content = made({"node/program.mpy": b"abc", "node/program.py": b"x"})
    assert reason(content) == "bad_package"


def test_package_is_refused_when_it_brings_no_program():
    assert reason(made({"node/app.mpy": b"abc"})) == "bad_package"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"number 7", b"number 07"),
        (b"number 7", b"number -7"),
        (b"number 7", b"number "),
        (b"number 7", b"number 4294967296"),
        (b"number 7\n", b""),
        (b"version 0.7.0", b"version 0.7.0 "),
        (b"version 0.7.0", b"version " + b"1" * 25),
        (b"arch armv6m", b"arch z80"),
        (b"mpy 6.3", b"mpy 6"),
        (b"mpy 6.3", b"mpy 6.4"),
        (b"files\n", b"fules\n"),
        (b"node/program.mpy 0 3", b"node/program.mpy 1 2"),
        (b"node/program.mpy 0 3", b"node/program.mpy 0 4"),
        (b"node/program.mpy 0 3", b"node/program.mpy 0 2"),
        (b"node/program.mpy 0 3", b"node/program.mpy 0"),
        (b"node/program.mpy 0 3\n", b"node/program.mpy 0 3"),
        (b"node/program.mpy 0 3\n", b"node/program.mpy 0 3\n\n"),
        (b"size 3", b"size 4"),
        (b"size 3", b"size 99999999999999999"),
    ],
)
def test_package_is_refused_when_its_manifest_is_not_exactly_one(old, new):
    assert reason(changed(made({"node/program.mpy": b"abc"}, number=7), old, new)) == "bad_package"


def test_package_is_refused_when_its_content_is_not_the_signed_one():
    content = made({"node/program.mpy": b"abc"})
    assert reason(content[:-1] + b"d") == "bad_content"
    assert reason(content[:-1]) == "bad_package"
    assert reason(content + b"d") == "bad_package"


def test_package_is_too_large_when_it_would_fill_the_flash():
    size = package.MAX_CONTENT_BYTES + 1
    assert reason(made({"node/program.mpy": bytes(size)})) == "too_large"


@pytest.mark.parametrize(
    ("arch", "mpy", "verdict"),
    [
        ("armv6m", RP2040, ""),
        ("armv6m", RP2350, ""),  # a Thumb-2 core runs the code of a lesser one
        ("armv7emsp", RP2350, ""),
        ("armv7emsp", RP2040, "wrong_arch"),
        ("x64", RP2040, "wrong_arch"),
        ("armv6m", X64, "wrong_arch"),
        ("none", RP2040, ""),
        ("armv6m", RP2040 + 1, "wrong_mpy"),
        ("armv6m", RP2040 - (1 << 8), "wrong_mpy"),
        ("armv6m", 0, "wrong_mpy"),
    ],
)
def test_package_runs_on_a_board_when_its_code_is_for_it(arch, mpy, verdict):
    found = package.parse_manifest(manifest_of({"node/program.mpy": b"abc"}, arch=arch))
    assert package.runs_on(found, mpy) == verdict


def test_signature_is_bound_to_this_use():
    manifest = manifest_of({"node/program.mpy": b"abc"})
    assert package.signed_digest(manifest) != hashlib.sha256(manifest).digest()


@settings(deadline=None)
@given(st.binary(max_size=600))
def test_bytes_are_refused_with_a_reason_when_they_are_random(content):
    for each in (content, package.MAGIC + content):
        with pytest.raises(PackageError):
            package.split(each)


@settings(max_examples=examples(300), deadline=None)  # signing takes what a busy machine gives
@given(st.data())
def test_package_is_refused_or_unchanged_when_bytes_are(data):
    content = bytearray(made({"node/program.mpy": b"abc", "wire/units.mpy": b"defg"}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        manifest, signature, _ = package.split(bytes(content))
    except PackageError:
        return
    # What still parses is the technician's own or has another digest than the one signed.
    genuine = package.split(made({"node/program.mpy": b"abc", "wire/units.mpy": b"defg"}))
    is_genuine = has_signed(KEY.public_key, package.signed_digest(manifest), signature)
    assert is_genuine == ((manifest, signature) == genuine[:2])
