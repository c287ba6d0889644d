"""Letters: to those who chose to hear of it, by real SMTP and HTTP, once, and in the end."""

from __future__ import annotations

import asyncio
import datetime
import email
import hashlib
import hmac
import http.server
import json
import socket
import threading
import zoneinfo
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from hub import config
from hub.errors import ConfigError, StoreError
from hub.notices import postman as postmen
from hub.notices.composer import Composer
from hub.notices.config import Notices, Smtp, Subscriber
from hub.notices.postman import Postman
from hub.notices.ways import SIGNATURE, LetterRefused, post, webhook_secret
from hub.processes import free_port
from hub.site_clock import SiteClock

MASTER_KEY = b"k" * 32
NO_MAIL = Smtp()
DAY_MS = 86_400_000
ZONE = zoneinfo.ZoneInfo("Europe/Madrid")


class Now:
    ms = 1_000

    def __call__(self):
        return self.ms


@pytest.fixture
def now():
    return Now()


def house_of(address):
    return address.removeprefix("0x")


@pytest.fixture
def office(store, now):
    """`office(subscribers, smtp)`: a composer and a postman for them."""

    def make(subscribers, smtp=NO_MAIL):
        clock = SiteClock(datetime.datetime(2022, 6, 21), 0, 1, ZONE)
        composer = Composer(store, subscribers, clock, house_of, now)

        async def hire():
            secrets = (MASTER_KEY, "pass word")
            notices = Notices(smtp, tuple(subscribers))
            return Postman(store, notices, composer, "lab", secrets, now_ms=now)

        return composer, asyncio.run(hire())

    return make


class Mailbox:
    """What a mail server took, and who had to sign in."""

    def __init__(self):
        self.taken, self.signed_in = [], []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (the library's name)
        self.taken.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content)))
        return "250 taken"

    def check(self, server, session, envelope, mechanism, data):
        self.signed_in.append((data.login, data.password))
        return AuthResult(success=data.password == b"pass word")


@pytest.fixture
def mail_server():
    box = Mailbox()
    controller = Controller(
        box, hostname="127.0.0.1", port=free_port(), authenticator=box.check,
        auth_require_tls=False,
    )  # fmt: skip
    controller.start()
    box.settings = Smtp("127.0.0.1", controller.port, "none", "hub", "hub@lab.example")
    yield box
    controller.stop()


@pytest.fixture
def hook():
    """A web server that answers with `hook.status` and keeps what it got."""

    class Hook(http.server.BaseHTTPRequestHandler):
        status, taken = 200, []

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            type(self).taken.append((self.headers, body))
            self.send_response(type(self).status)
            self.send_header("Location", self.path)
            self.end_headers()

        def log_message(self, *told):
            pass

    Hook.taken = []
    server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    Hook.url = f"http://127.0.0.1:{server.server_port}/trueque"
    yield Hook
    server.shutdown()
    server.server_close()
    thread.join()


def test_mail_is_taken_when_an_alarm_is_raised(office, mail_server):
    who = [Subscriber("maria", email="maria@lab.example")]
    composer, postman = office(who, mail_server.settings)
    composer.tell_alarm(7, "silent", "house-1 is silent\nBcc: all@example", True)
    postman.go()
    postman.go()
    ((to, message),) = mail_server.taken
    assert to == ["maria@lab.example"] and message["Bcc"] is None
    assert message["Subject"] == "[lab] Alarm: house-1 is silent Bcc: all@example"
    assert "house-1 is silent" in message.get_payload()
    assert mail_server.signed_in == [(b"hub", b"pass word")]


def test_webhook_gets_a_signed_letter_when_a_trade_is_settled(office, hook, market, now):
    composer, postman = office([Subscriber("bot", webhook=hook.url, wants=("trades",))])
    market.offer()
    market.trade()
    market.settle()
    now.ms = 2_000
    postman.go()
    ((headers, body),) = hook.taken
    wanted = hmac.new(webhook_secret(MASTER_KEY), body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == wanted
    letter = json.loads(body)
    assert letter["topic"] == "trade:1:settled" and letter["site"] == "lab"
    assert "house-1 to house-2" in letter["subject"] and "Settled: 1 mWh" in letter["body"]


def test_house_hears_of_its_own_trades_only_when_it_is_named(office, hook, market, now):
    who = [
        Subscriber("one", webhook=hook.url, wants=("trades",), house="house-1"),
        Subscriber("three", webhook=hook.url, wants=("trades",), house="house-3"),
    ]
    _, postman = office(who)
    market.offer()
    market.trade()
    market.settle()
    now.ms = 2_000
    postman.go()
    assert len(hook.taken) == 1


def test_window_is_announced_in_site_time_when_it_is_ahead(office, hook, market):
    _, postman = office([Subscriber("bot", webhook=hook.url, wants=("windows",))])
    postman.go()
    (letter,) = [json.loads(body) for _, body in hook.taken]
    assert letter["subject"] == ("Market 1: orders from 2022-06-21 00:00 to 2022-06-21 00:00")


def test_nothing_is_told_of_what_was_over_before_anybody_asked(office, hook, market, now):
    market.offer()
    market.trade()
    market.settle()
    now.ms = 100_000
    _, postman = office([Subscriber("bot", webhook=hook.url, wants=("trades", "windows"))])
    postman.go()
    assert hook.taken == []


def topics(hook):
    return [json.loads(body)["topic"] for _, body in hook.taken]


def closed_at(market, number, at_ms):
    market.trade(number)
    market.settle(number, at_ms=at_ms)


def test_trade_is_told_once_when_its_letter_was_forgotten_long_ago(office, hook, market, now):
    who = [Subscriber("bot", webhook=hook.url, wants=("trades",))]
    _, postman = office(who)
    market.offer(energy_uwh=10_000)
    closed_at(market, 1, now.ms)
    for day in range(70):
        now.ms += DAY_MS
        if day == 40:
            closed_at(market, 2, now.ms)
        if day % 9 == 0:  # the hub is started again now and then
            _, postman = office(who)
        postman.go()
    assert topics(hook) == ["trade:1:settled", "trade:2:settled"]


def test_trade_is_told_once_when_the_hub_was_off_until_its_letter_could_be_forgotten(
    office, hook, market, now
):
    who = [Subscriber("bot", webhook=hook.url, wants=("trades",))]
    _, postman = office(who)
    market.offer(energy_uwh=10_000)
    closed_at(market, 1, now.ms)
    postman.go()
    now.ms += postmen.KEEP_MS + 1
    _, postman = office(who)
    postman.go()
    now.ms += 1
    postman.go()
    assert topics(hook) == ["trade:1:settled"]


def test_late_subscriber_hears_of_what_is_new_only(office, hook, market, now):
    first = Subscriber("first", webhook=hook.url, wants=("trades",))
    _, postman = office([first])
    market.offer(energy_uwh=10_000)
    for number in (1, 2, 3):
        closed_at(market, number, now.ms)
        postman.go()
        now.ms += DAY_MS
    late = Subscriber("late", webhook=hook.url, wants=("trades",))
    hook.taken.clear()
    _, postman = office([first, late])
    postman.go()
    assert topics(hook) == []
    now.ms += 5
    closed_at(market, 4, now.ms)
    postman.go()
    assert topics(hook) == ["trade:4:settled"] * 2


def test_trades_are_told_when_the_clock_had_been_far_ahead(office, hook, market, now):
    _, postman = office([Subscriber("bot", webhook=hook.url, wants=("trades",))])
    market.offer(energy_uwh=10_000)
    right_ms = now.ms + DAY_MS
    now.ms += 400 * DAY_MS
    closed_at(market, 1, now.ms)
    postman.go()
    now.ms = right_ms
    closed_at(market, 2, now.ms)
    for _ in range(70):
        postman.go()
        now.ms += DAY_MS
    assert topics(hook) == ["trade:1:settled", "trade:2:settled"]


def test_trade_is_told_when_it_was_stored_a_little_after_its_time(office, hook, market, now):
    _, postman = office([Subscriber("bot", webhook=hook.url, wants=("trades",))])
    market.offer(energy_uwh=10_000)
    now.ms += DAY_MS
    postman.go()
    closed_at(market, 1, now.ms - 60_000)
    postman.go()
    assert topics(hook) == ["trade:1:settled"]


def test_window_is_told_once_when_it_is_ahead_for_longer_than_letters_are_kept(
    office, hook, market, now
):
    now.ms = -100 * DAY_MS
    who = [Subscriber("bot", webhook=hook.url, wants=("windows",))]
    for _ in range(90):
        _, postman = office(who)
        postman.go()
        now.ms += DAY_MS
    assert topics(hook) == ["window:1"]


def test_only_what_is_new_is_read_when_there_is_a_years_trade(
    office, store, hook, market, now, monkeypatch
):
    _, postman = office([Subscriber("bot", webhook=hook.url, wants=("trades", "windows"))])
    monkeypatch.setattr(store, "trades", None)  # whoever reads all of them fails here
    monkeypatch.setattr(store, "windows", None)
    closed, read = store.closed_trades, []
    monkeypatch.setattr(
        store, "closed_trades", lambda *span: read.append(closed(*span)) or read[-1]
    )
    market.offer(energy_uwh=10_000)
    for number in (1, 2):
        closed_at(market, number, now.ms)
        postman.go()
        now.ms += DAY_MS
        postman.go()
    postman.go()
    assert [[one.trade_id for one in rows] for rows in read] == [[1], [1], [2], [2], []]


def test_letter_waits_longer_each_time_and_goes_when_the_other_side_is_back(
    office, store, hook, now
):
    composer, postman = office([Subscriber("bot", webhook=hook.url)])
    hook.status = 503
    composer.tell_alarm(1, "silent", "house-1 is silent", True)
    pauses = []
    for _ in range(9):
        postman.go()
        next_ms = store.next_letter_ms()
        pauses.append(next_ms - now.ms)
        now.ms = next_ms
    assert pauses[:3] == [30_000, 60_000, 120_000] and pauses[-1] == postmen.LONGEST_PAUSE_MS
    hook.status = 200
    postman.go()
    assert store.next_letter_ms() is None and len(hook.taken) == 10


def test_letter_goes_once_when_the_store_cannot_note_that_it_went(office, hook, store, monkeypatch):
    composer, postman = office([Subscriber("maria", webhook=hook.url, wants=("alarms",))])
    composer.tell_alarm(1, "disk", "no room", True)

    def refuse(letter, **outcome):
        raise StoreError("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(store, "mark_letter", refuse)
        for _ in range(3):
            with pytest.raises(StoreError):
                postman.go()
    postman.go()
    assert len(hook.taken) == 1
    assert store.letters_due(2**60) == []


def test_letter_is_given_up_when_nobody_took_it_for_a_week(office, store, now):
    who = [Subscriber("bot", webhook=f"http://127.0.0.1:{free_port()}/")]
    composer, postman = office(who)
    composer.tell_alarm(1, "silent", "house-1 is silent", True)
    now.ms += postmen.GIVE_UP_MS + 1
    postman.go()
    assert store.next_letter_ms() is None


def test_letter_does_not_follow_the_receiver_elsewhere(office, store, hook):
    composer, postman = office([Subscriber("bot", webhook=hook.url)])
    hook.status = 302
    composer.tell_alarm(1, "silent", "house-1 is silent", True)
    postman.go()
    assert len(hook.taken) == 1 and store.next_letter_ms() is not None


def test_refusal_is_plain_words_when_nobody_listens_at_the_webhook():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/hook"
    letter = SimpleNamespace(topic="alarms", subject="s", body="b", posted_at_ms=1)
    with pytest.raises(LetterRefused, match="cannot be reached: Connection refused$"):
        post(b"secret", "Lab", SimpleNamespace(webhook=url), letter)


def test_configuration_names_each_field_when_a_subscriber_is_wrong(tmp_path):
    table = {
        "houses": [{"name": "house-1"}],
        "notify": [
            {"name": "a", "email": "no address", "wants": ["gossip"]},
            {"name": "a", "webhook": "ftp://x", "house": "house-9"},
            {"name": "b"},
        ],
    }
    with pytest.raises(ConfigError) as wrong:
        config.check(table, tmp_path)
    said = "; ".join(wrong.value.problems)
    for part in ("notify[1].email", "notify[1].wants 'gossip'", "notify[2].name 'a'",
                 "notify[2].webhook", "notify[2].house", "notify[3].email or webhook",
                 "smtp.host", "smtp.sender"):  # fmt: skip
        assert part in said
