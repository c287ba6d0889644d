"""What waits in, the broker out; messages from the broker to the commands."""

import asyncio
import gc
import random

from wire.topics import TO_NODE, WILL, topic

from node import mqtt_packets as packets
from node.addresses import address_of
from node.link_problems import sentence
from node.mqtt import Connection, MqttError
from node.tls_room import TlsRoom

TICK_MS = 250
NETWORK_PROBLEMS = (
    OSError,
    EOFError,
    MqttError,
    packets.ProtocolError,
    asyncio.TimeoutError,
)
# A TLS handshake computes for 1.3 s on an RP2040 (measured) and nothing else runs meanwhile.
HANDSHAKE_MS = 3_000
BACKOFF_MS = (500, 15_000)  # first and longest pause between attempts
MOST_JOINS = 5  # that fail in a row; then the interface is switched off and on
GIVE_UP_MS = 900_000  # without a link


class Link:
    """Keeps one connection to the broker, for ever."""

    def __init__(self, settings, network, sources, clock, on_message):
        """`network`: Wifi or Ethernet. `on_message(topic, payload)`.

        `sources`: what goes out, the more urgent first: Outbox, Offline.
        """
        self._settings = settings
        self._network = network
        self._sources = sources
        self._clock = clock
        self._on_message = on_message
        self._commands = [topic(settings.node, kind) for kind in TO_NODE]
        self._wake = asyncio.Event()
        self._problem = None  # what ended the reading of this connection
        self._tls = None
        self._room = TlsRoom(settings.broker_tls)
        self._failed_joins = 0
        self.is_up = False
        self.beat = lambda: None  # () -> None, at each sign that the link goes on
        self.on_up = None  # () -> None, after each connection
        # () -> None, before a handshake and whatever else of the network holds up all of the board
        self.on_handshake = lambda: None
        self.on_given_up = lambda: None  # () -> None, when a link that was there is long gone
        self.before_work = lambda: None  # () -> None, before each message out: to encrypt takes ms
        self.time_sync = None  # TimeSync: certificates have dates, so the clock comes first
        self._said = ""
        self.connections = 0

    def wake(self):
        """Something waits in the outbox."""
        self._wake.set()

    async def tick(self):
        """Wake the link for its keepalive, for ever."""
        while True:
            self._wake.set()
            await asyncio.sleep(TICK_MS / 1000)

    async def run(self):
        """Connect, serve, and after a failure connect again with growing, jittered pauses."""
        pause_ms = BACKOFF_MS[0]
        lost_ms = None  # when the last connection of this boot was lost
        while True:
            self.beat()
            try:
                await self._join()
                if self.time_sync:
                    await self.time_sync.once(self._network.name_server())
                self.beat()
                await self._serve()
            except NETWORK_PROBLEMS as problem:
                self._say(problem)
            self.beat()
            now_ms = self._clock.now_ms()
            if self.is_up:
                pause_ms = BACKOFF_MS[0]
                lost_ms = now_ms
            elif lost_ms is not None and now_ms - lost_ms >= GIVE_UP_MS:
                self.on_given_up()
            self.is_up = False
            for source in self._sources:
                source.connection_lost()
            await asyncio.sleep(self._jittered(pause_ms) / 1000)
            pause_ms = min(2 * pause_ms, BACKOFF_MS[1])

    async def _join(self):
        """Join the network. A driver or chip that is stuck may come to itself when switched."""
        if self._failed_joins >= MOST_JOINS:
            self._failed_joins = 0
            self.on_handshake()
            self._network.restart()
        self._failed_joins += 1
        await self._network.join()
        self._failed_joins = 0

    def _say(self, problem):
        """Print what is wrong, once until something else is."""
        said = sentence(problem)
        if said != self._said or self.is_up:
            print("link:", said)
        self._said = said

    def _jittered(self, pause_ms):
        """Return a pause between a half and three halves of `pause_ms`, with TLS after a wait."""
        jittered_ms = pause_ms // 2 + random.getrandbits(16) % pause_ms
        if not self._settings.broker_tls:
            return jittered_ms
        # The handshake holds up the safety loop: the relays must have opened for want of a link
        # before it begins. Added: as a least pause it would let all boards begin at once.
        return self._settings.limits["link_lost_ms"] + 100 + jittered_ms

    async def _serve(self):
        settings = self._settings
        connection = Connection(self._clock, self._on_message)
        reading = None
        try:
            name_server = self._network.name_server()
            host = await address_of(settings.broker_host, name_server)
            tls = self._tls_context()
            # A handshake needs some 30 kB in few pieces: the sooner and the tidier, the better.
            self._room.release()
            gc.collect()
            if tls:
                self.on_handshake()
            address = (host, settings.broker_port)
            await connection.open(address, tls, settings.broker_name, self._hello())
            await connection.subscribe(self._commands)
            self.is_up = True
            self._problem = None
            self.connections += 1
            reading = asyncio.create_task(self._read(connection))
            self.on_up()
            while self._problem is None:
                self.beat()
                await self._send_waiting(connection)
                await self._wake.wait()
                self._wake.clear()
                await connection.keep_alive()
                if not self._network.is_up():
                    raise MqttError("the network is lost")
            raise self._problem
        finally:
            if reading:
                reading.cancel()
            await connection.close()
            self._room.hold()

    async def _read(self, connection):
        try:
            await connection.read()
        except Exception as problem:
            self._problem = problem  # raised by the task that serves this connection
        self._wake.set()

    async def _send_waiting(self, connection):
        while connection.has_room() and self._problem is None:
            source, entry = self._next()
            if entry is None:
                return
            source.sending(entry)
            self.before_work()
            flags = packets.RETAIN if entry.kind == "status" else 0
            await connection.publish(
                topic(self._settings.node, entry.kind),
                entry.payload,
                flags,
                lambda source=source, entry=entry: self._sent(source, entry),
            )

    def _next(self):
        for source in self._sources:
            entry = source.next_unsent()
            if entry is not None:
                return source, entry
        return None, None

    def _sent(self, source, entry):
        source.sent(entry)
        self._wake.set()

    def _hello(self):
        settings = self._settings
        login = (settings.broker_user, settings.broker_password)
        will = (topic(settings.node, "status"), WILL)
        keepalive_s = settings.broker_keepalive_s
        return packets.connect(settings.node, login, will, keepalive_s), keepalive_s

    def _tls_context(self):
        """Return the TLS context the settings ask for, or None. Only CERT_REQUIRED validates."""
        if not self._settings.broker_tls:
            return None
        if self._tls is None:
            import ssl  # only where TLS is used: it takes memory

            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            tls.verify_mode = ssl.CERT_REQUIRED
            try:
                tls.load_verify_locations(cafile=self._settings.broker_ca)
            except (ValueError, TypeError):
                raise MqttError("broker_ca is not a certificate in DER")
            self._tls = tls
        return self._tls
