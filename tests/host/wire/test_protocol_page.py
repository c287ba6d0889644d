"""The documentation of the protocol says what the definitions say."""

from tools import protocol_page


def test_page_equals_what_its_maker_writes():
    assert protocol_page.PAGE.read_text(encoding="utf-8") == protocol_page.page()
