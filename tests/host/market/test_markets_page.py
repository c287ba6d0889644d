"""docs/markets.md: its example runs, and it names every mechanism."""

from __future__ import annotations

import re
from pathlib import Path

from hub.market.clearing import CLEAR
from hub.market.community import PRICE

PAGE = Path(__file__).parents[3] / "docs" / "markets.md"


def test_page_example_runs_when_copied() -> None:
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(examples) == 1
    exec(compile(examples[0], str(PAGE), "exec"), {})


def test_page_names_every_mechanism_when_one_is_added() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*CLEAR, *PRICE) if f"| `{name}`" not in text] == []
