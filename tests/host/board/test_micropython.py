"""MicroPython's image: checked block by block, fetched once, copied whole."""

import hashlib
import http.server
import struct
import threading

import pytest

from hub.errors import BadInput, TruequeError
from tools.board import micropython
from tools.board.micropython import FAMILIES, Download, check_image, from_file, from_site, install
from tools.board.ports import BootDrive

ABSOLUTE = 0xE48BFF57


def block(number, count, family):
    head = struct.pack(
        "<8I", 0x0A324655, 0x9E5D5157, 0x2000, 0x10000000, 256, number, count, family
    )
    return head + bytes(476) + struct.pack("<I", 0x0AB16F30)


def image(chip="rp2040", count=6):
    return b"".join(block(number, count, FAMILIES[chip]) for number in range(count))


def test_image_is_good_when_all_its_blocks_are_there():
    check_image(image(), "rp2040", "x")


def test_image_is_good_when_a_block_for_the_boot_rom_comes_first():
    check_image(block(0, 2, ABSOLUTE) + image("rp2350"), "rp2350", "x")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "cut off"),
        (image()[:-1], "cut off"),
        (image()[:-512], "5 of 6 blocks"),
        (image()[512:], "5 of 6 blocks"),
        (b"x" + image()[1:], "block 0 is not UF2"),
        (image()[:1020] + b"abcd" + image()[1024:], "block 1 is not UF2"),
        (image("rp2350"), "not for an RP2040"),
        (block(0, 2, ABSOLUTE), "0 of 0 blocks"),
    ],
)
def test_image_is_refused_when_it_is_not_whole_or_of_another_chip(content, sentence):
    with pytest.raises(BadInput, match=sentence):
        check_image(content, "rp2040", "x.uf2")


def test_file_is_named_when_it_cannot_be_read(tmp_path):
    with pytest.raises(BadInput, match="none.uf2"):
        from_file(tmp_path / "none.uf2", "rp2040")


class Site:
    """A download site on loopback. `cut_bytes`: so much of each image is left out."""

    def __init__(self):
        self.asked = []
        self.cut_bytes = 0
        self.name = f"RPI_PICO_W-20260406-v{micropython.VERSION}.uf2"
        site = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # the library's name
                site.asked.append(self.path)
                page = f'<a href="/resources/firmware/{site.name}">x</a>'.encode()
                body = image() if self.path.endswith(".uf2") else page
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) - site.cut_bytes])

            def log_message(self, *words):
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def site():
    found = Site()
    yield found
    found.stop()


def fetch(site, cache):
    return from_site("RPI_PICO_W", "rp2040", site=site.address, cache=cache)


def test_image_is_fetched_once_when_it_is_wanted_twice(site, tmp_path):
    content, kept = fetch(site, tmp_path / "cache")
    assert content == image() == kept.read_bytes()
    assert fetch(site, tmp_path / "cache")[0] == content
    assert site.asked == ["/download/RPI_PICO_W/", f"/resources/firmware/{site.name}"]


def test_kept_image_is_fetched_anew_when_it_was_damaged(site, tmp_path):
    _, kept = fetch(site, tmp_path)
    kept.write_bytes(image()[:-512])
    assert fetch(site, tmp_path)[0] == image()
    known = kept.with_suffix(".sha256").read_text()
    assert known == hashlib.sha256(image()).hexdigest()


def test_nothing_is_kept_when_the_download_was_cut_off(site, tmp_path):
    site.cut_bytes = 100
    with pytest.raises(Download):
        fetch(site, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_version_is_named_when_the_site_does_not_have_it(site, tmp_path):
    site.name = "RPI_PICO_W-20200101-v1.12.uf2"
    with pytest.raises(Download, match=rf"offers no MicroPython {micropython.VERSION}.*--uf2"):
        fetch(site, tmp_path)


def test_internet_is_asked_about_when_the_site_is_not_there(tmp_path):
    with pytest.raises(Download, match="Internet"):
        from_site("RPI_PICO_W", "rp2040", site="http://127.0.0.1:1", cache=tmp_path)


def test_image_arrives_whole_when_copied_to_a_drive(tmp_path):
    told = []
    install(image(), BootDrive(tmp_path, "rp2040", "x"), lambda *each: told.append(each))
    assert (tmp_path / "micropython.uf2").read_bytes() == image()
    assert told[-1] == (len(image()), len(image()))


def test_button_is_named_when_the_drive_is_full(tmp_path):
    (tmp_path / "micropython.uf2").symlink_to("/dev/full")
    with pytest.raises(TruequeError, match="hold BOOTSEL"):
        install(image(), BootDrive(tmp_path, "rp2040", "x"))


def test_mounting_is_asked_for_when_the_drive_has_no_place():
    with pytest.raises(TruequeError, match="udisksctl mount"):
        install(image(), BootDrive(None, "rp2040", "RPI-RP2"))
