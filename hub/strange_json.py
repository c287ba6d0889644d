"""JSON from strangers: bytes enter; a value leaves, or StrangeJson, whatever they are.

`py_ecc`, which comes with web3, raises the interpreter's recursion limit to 100,000, and beyond
some 60,000 nested brackets the standard parser overruns the stack: the process is gone. So depth is
counted before anything is parsed.
"""

from __future__ import annotations

import json
import re
from typing import Any

MOST_DEPTH = 64
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
"""A string, in which brackets mean nothing, or a bracket."""


class StrangeJson(ValueError):
    """No JSON, or nested as nobody's honest answer is."""


def loads(body: bytes | str) -> Any:
    """Return the value of a JSON text. Raises StrangeJson."""
    try:
        content = body.encode() if isinstance(body, str) else body
        depth = 0
        for found in _TOKEN.finditer(content):
            if found[0] in (b"[", b"{"):
                depth += 1
                if depth > MOST_DEPTH:
                    raise StrangeJson(f"nested more than {MOST_DEPTH} deep")
            elif found[0] in (b"]", b"}"):
                depth -= 1
        return json.loads(content)
    except (ValueError, RecursionError) as problem:
        raise StrangeJson(str(problem)) from None
