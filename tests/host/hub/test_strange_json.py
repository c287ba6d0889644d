"""JSON from strangers: parsed as the standard parser does, or refused; no process ends of it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.strange_json import MOST_DEPTH, StrangeJson, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(VALUES)
def test_value_is_what_the_standard_parser_says_when_it_is_json(value):
    assert loads(json.dumps(value)) == value == loads(json.dumps(value, ensure_ascii=False))


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:1\\ a', max_size=200))
def test_nothing_but_a_refusal_is_raised_when_it_is_anything(body):
    try:
        value = loads(body)
    except StrangeJson:
        return
    assert value == json.loads(body)


def test_brackets_in_strings_mean_nothing():
    assert loads('["' + "[" * 1_000 + '\\"]"]') == ["[" * 1_000 + '"]']


@pytest.mark.parametrize("opening", ["[", '{"a":', '[\n{ "a" :'])
def test_deep_text_is_refused_before_it_is_parsed(opening):
    depth = MOST_DEPTH // opening.count("[") if "[" in opening else MOST_DEPTH
    with pytest.raises(StrangeJson, match="deep"):
        loads(opening * (depth + 1))


def test_process_lives_on_when_a_library_has_raised_the_limit():
    code = (
        "import sys, web3; from hub.strange_json import loads\n"
        "assert sys.getrecursionlimit() > 50_000\n"  # else this test shows nothing
        "try: loads(b'[' * 500_000)\n"
        "except ValueError: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr
