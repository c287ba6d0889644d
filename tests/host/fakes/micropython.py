"""Fake `micropython`: decorators that compile nothing.

Viper code does not run on it: its `ptr16` has no meaning here, which is what the fallback is for.
"""


def viper(function):
    """Return the function as it is."""
    return function


native = viper


def asm_thumb(function):
    """Refuse it, as MicroPython's compiler does on other processors."""
    raise SyntaxError("invalid micropython decorator")


def const(value):
    """Return the value."""
    return value
