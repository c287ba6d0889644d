"""A prompt in, the firmware's own self-test and measurement out: the same code on every board."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from node.settings import NUMBERS

from hub.provision import FILE_NAME
from tools.board.errors import BoardError, ProgramFailed
from tools.board.prompt import Prompt
from tools.board.state import SELECT

MEASURE_MS = 2_000
ANSWER_S = 90.0
"""Joining a WiFi takes up to 20 s; an emulated board takes its time."""

_BUILD = (
    SELECT
    + """
import gc, json
gc.threshold(32768)  # as the launcher does
class Hardware: import machine, network, rp2
from node import settings
from node.selftest import SelfTest
from node.selftest_relays import RelayTest
test = SelfTest(settings.load(), Hardware)
relays = RelayTest(test)
"""
)


class BoardAtPrompt:
    """One board with settings, its node not started. Raises BoardError when it has none."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        content = prompt.read(FILE_NAME)
        if content is None:
            raise BoardError(
                f"{prompt.port}: the board has no settings; first: trueque board provision"
            )
        try:
            prompt.run(_BUILD, ANSWER_S)
        except ProgramFailed as problem:
            if "SettingsError" in problem.trace:
                raise BoardError(f"{problem}; write them again: trueque board provision") from None
            raise
        self.settings: dict[str, Any] = json.loads(content)
        self.name = str(self.settings["node"])
        self.rate_hz = int(self.settings.get("sample_rate_hz", NUMBERS["sample_rate_hz"][2]))

    def ask(self, method: str, *arguments: object) -> Any:
        """Call a method of node.selftest.SelfTest."""
        return self._call("test", method, arguments)

    def ask_relays(self, method: str, *arguments: object) -> Any:
        """Call a method of node.selftest_relays.RelayTest."""
        return self._call("relays", method, arguments)

    def _call(self, what: str, method: str, arguments: tuple[object, ...]) -> Any:
        code = f"print(json.dumps({what}.{method}(*{arguments!r})))"
        return self._prompt.ask(code, ANSWER_S)

    def measure(self, calibration: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Return what each quantity reads with `calibration` (see calibration.BoardUnderTest)."""
        found = self.ask("measure", dict(calibration), MEASURE_MS)["quantities"]
        return dict(found)

    def save(self, calibration: Mapping[str, Any]) -> None:
        """Write the calibration into the board's settings, in one step."""
        self.settings["calibration"] = dict(calibration)
        self._prompt.write(FILE_NAME, json.dumps(self.settings).encode())
