"""A virtual board's serial console: bytes of a raw prompt on standard input, answers on output.

Speaks what MicroPython's shared/runtime/pyexec.c speaks, so that mpremote finds a board; only raw
paste is declined. A Ctrl-C is for whoever keeps the process: a signal breaks the unix port's heap,
so that what runs is ended and started anew at the prompt.
"""

import io
import sys

SOFT_RESET = "OK\r\nMPY: soft reboot\r\n"  # its last words: start anew, at the raw prompt
RAW = "raw REPL; CTRL-B to exit\r\n>"
FRIENDLY = "\r\nMicroPython on a virtual board\r\n>>> "


class _Console:
    def __init__(self):
        self._scope = {"__name__": "__main__"}
        self._code = bytearray()
        self._is_raw = False

    def begin(self, is_raw):
        """Show the prompt, raw or friendly."""
        self._is_raw = is_raw
        self._code = bytearray()
        _write(RAW if is_raw else FRIENDLY)

    def serve(self):
        """Answer until the line is closed or a soft reset is asked for."""
        while True:
            byte = sys.stdin.buffer.read(1)
            if not byte:
                raise SystemExit
            self._take(byte)

    def _take(self, byte):
        if byte == b"\x01":
            self.begin(True)
        elif byte == b"\x02":
            self.begin(False)
        elif byte == b"\x03":
            self._code = bytearray()
        elif byte == b"\x04":
            self._end()
        elif self._is_raw and byte == b"\x05" and not self._code:
            sys.stdin.buffer.read(2)
            _write("R\x00")
        elif self._is_raw:
            self._code.extend(byte)

    def _end(self):
        if not self._is_raw or not self._code:
            _write(SOFT_RESET if self._is_raw else SOFT_RESET[4:])
            raise SystemExit
        code, self._code = self._code, bytearray()
        _write("OK")
        problem = self._run(code)
        _write("\x04" + problem + "\x04>")

    def _run(self, code):
        """Run it; return the traceback of what it raised, or nothing."""
        try:
            exec(compile(bytes(code).decode(), "<stdin>", "exec"), self._scope)
        except SystemExit:
            raise
        except BaseException as problem:
            text = io.StringIO()
            sys.print_exception(problem, text)
            return text.getvalue()
        return ""


def _write(text):
    sys.stdout.write(text)


def serve(is_raw):
    """Answer on the console for ever."""
    console = _Console()
    console.begin(is_raw)
    console.serve()
