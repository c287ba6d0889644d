"""The hub's errors: one root, each with a sentence that a technician can act on."""

from __future__ import annotations

from collections.abc import Sequence


class TruequeError(Exception):
    """Root of all errors that the project raises on purpose."""

    exit_code = 1  # of a command that ends with it: 1 failed, 2 bad input


class BadInput(TruequeError):
    """What the user gave is wrong: the sentence names the file, row and field."""

    exit_code = 2


class ConfigError(TruequeError):
    """A configuration with wrong fields; every one of them is named in `problems`."""

    exit_code = 2

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        super().__init__(f"{source}: " + "; ".join(problems))
        self.source = source
        self.problems = tuple(problems)


class StoreError(TruequeError):
    """The store cannot be used: damaged, of a newer version, or of another chain."""


class DamagedStore(StoreError):
    """The store's content is damaged: no waiting helps, a backup does."""


class ForeignStore(StoreError):
    """The store belongs to another contract or chain than the one found."""


class NewerStore(StoreError):
    """The store was written by a newer version of this program."""


class OlderStore(StoreError):
    """The store is of an older version, and only a hub that starts may bring it to this one."""


class PortInUse(TruequeError):
    """A configured port is taken by another program."""

    def __init__(self, what: str, port: int, field: str) -> None:
        super().__init__(
            f"{what}: port {port} on 127.0.0.1 is in use by another program; "
            f"stop that program, or set {field} in site.toml to another port or to 0 for a free one"
        )
        self.port = port


class PartMissing(TruequeError):
    """A program that the hub needs is not installed."""


class BrokerDown(TruequeError):
    """The message broker did not start, or ended and could not be started again."""
