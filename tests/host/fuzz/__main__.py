"""Runs each target for so many inputs and prints what it found; exits 1 when anything did."""

import argparse
import random
import sys
import time
import traceback

from wire import signing

from tests.host.fuzz import (
    boot,
    clock,
    commands,
    flash,
    identity,
    ingest,
    offline,
    packages,
    packets,
    rpc,
    settings_file,
    signed,
    staging,
)

TARGETS = {
    "commands": commands.Target,
    "settings": settings_file.Target,
    "ingest": ingest.Target,
    "packets": packets.Target,
    "flash": flash.Target,
    "identity": identity.Target,
    "clock": clock.Target,
    "offline": offline.Target,
    "staging": staging.Target,
    "boot": boot.Target,
    "packages": packages.Target,
    "rpc": rpc.Target,
}
TOLD = ("closings", "accepted", "stored", "messages", "kept", "taken")


def run(name, inputs, seed, until=None):
    """Return (inputs taken, trace of what was found or None, the target).

    `until`: of time.monotonic, to stop at.
    """
    target = TARGETS[name](random.Random(seed))
    done = 0
    try:
        while done < inputs and (until is None or done % 100 or time.monotonic() < until):
            target.one()
            done += 1
    except Exception:
        return done, traceback.format_exc(), target
    finally:
        target.close()
    return done, None, target


def main(words):
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.host.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="for each target")
    parser.add_argument("--minutes", type=float, default=None, help="the most for each target")
    parser.add_argument("--target", choices=TARGETS, action="append")
    parser.add_argument("--seed", type=int, default=None, help="default: drawn and printed")
    options = parser.parse_args(words)
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    signing.hmac_sha256 = signed.quick_hmac
    has_found = False
    for name in options.target or TARGETS:
        started = time.monotonic()
        until = None if options.minutes is None else started + 60 * options.minutes
        number, trace, target = run(name, options.inputs, seed, until)
        told = "".join(
            f", {getattr(target, what)} {what}" for what in TOLD if hasattr(target, what)
        )
        took_s = time.monotonic() - started
        print(f"{name}: {number} inputs, seed {seed}{told}, {took_s:.0f} s", flush=True)
        if trace:
            has_found = True
            print(trace, flush=True)
    return 1 if has_found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
