"""The protocol: vectors on both interpreters, limits, and bytes nobody meant to send."""

import base64
import hashlib
import hmac
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import codec, records, sequence, signing, topics, units

from tests.host.wire.longest import longest

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[2] / "firmware" / "pico"
VECTORS = json.loads((HERE / "vectors.json").read_text(encoding="utf-8"))
KEY = bytes(range(32))
LEASE_TOPIC = "trueque/1/house-1/lease"


def _micropython() -> str:
    found = shutil.which("micropython", path=str(Path(sys.executable).parent))
    assert found, "the locked requirements bring micropython"
    return found


def _load_checker():
    spec = importlib.util.spec_from_file_location("on_board_vectors", HERE / "on_board_vectors.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector_gets_its_verdict_when_cpython_decodes(vector):
    assert _load_checker().failures([vector]) == []


def test_vectors_get_the_same_verdicts_when_micropython_decodes():
    run = subprocess.run(
        [_micropython(), str(HERE / "on_board_vectors.py"), str(HERE / "vectors.json")],
        env={"MICROPYPATH": f"{FIRMWARE}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stdout.splitlines()[-1] == f"{len(VECTORS)} checked, 0 failed", run.stdout
    assert run.returncode == 0, run.stderr


def test_vectors_file_equals_what_its_maker_writes(tmp_path):
    maker = tmp_path / "make_vectors.py"
    shutil.copy(HERE / "make_vectors.py", maker)
    subprocess.run([sys.executable, str(maker)], check=True, capture_output=True, timeout=60)
    made = json.loads((tmp_path / "vectors.json").read_text(encoding="utf-8"))
    assert made == VECTORS


def test_every_reason_has_a_vector():
    assert {vector["reason"] for vector in VECTORS} == {"", *records.REJECTIONS}


@pytest.mark.parametrize("kind", topics.KINDS)
def test_longest_record_fits_the_payload_limit(kind):
    record = {member.name: longest(member) for member in records.SCHEMAS[kind]}
    if kind == "command":
        record["action"] = "close"  # the longest action leaves the other members null
    if kind == "update":
        record |= {"what": "chunk", "number": None, "size": None}
    payload = codec.encode(topics.topic("n" * 31, kind), record, KEY)
    assert len(payload) <= units.MAX_PAYLOAD_BYTES


@given(st.binary(max_size=100), st.binary(max_size=200))
def test_hmac_equals_the_standard_library(key, message):
    assert signing.hmac_sha256(key, message) == hmac.new(key, message, hashlib.sha256).digest()


@given(st.binary(max_size=1100), st.sampled_from(topics.KINDS))
def test_decode_answers_a_known_reason_when_bytes_are_random(payload, kind):
    record, reason = codec.decode(topics.topic("house-1", kind), payload, KEY)
    assert record is None and reason in records.REJECTIONS


@given(st.binary(max_size=900))
def test_decode_answers_a_known_reason_when_the_code_is_right_and_the_text_random(text):
    code = signing.mac(KEY, LEASE_TOPIC, text).hex().encode()
    record, reason = codec.decode(LEASE_TOPIC, text + b',"mac":"' + code + b'"}', KEY)
    assert record is None and reason in records.REJECTIONS


@given(st.data())
def test_decode_refuses_when_one_byte_of_a_genuine_payload_changes(data):
    vector = data.draw(st.sampled_from([v for v in VECTORS if v["reason"] == ""]))
    payload = bytearray(vector["payload"].encode())
    at = data.draw(st.integers(0, len(payload) - 1))
    payload[at] ^= data.draw(st.integers(1, 255))
    record, reason = codec.decode(vector["topic"], bytes(payload), bytes.fromhex(vector["key"]))
    assert record is None and reason == "bad_mac"


@st.composite
def _records(draw, kind):
    strategies = {
        "Integer": lambda m: st.integers(m.least, m.most),
        "Word": lambda m: st.sampled_from(m.words),
        "Hex": lambda m: st.text("0123456789abcdef", min_size=m.digits, max_size=m.digits),
        "Base64": lambda m: st.binary(min_size=1, max_size=m.most).map(
            lambda content: base64.b64encode(content).decode()
        ),
        "Text": lambda m: st.text("abz019-._+", min_size=1, max_size=m.most),
    }
    record = {}
    for member in records.SCHEMAS[kind]:
        value = strategies[type(member).__name__](member)
        record[member.name] = draw(st.none() | value if member.is_nullable else value)
    return record


@given(
    st.data(), st.sampled_from([kind for kind in topics.KINDS if kind not in ("command", "update")])
)
def test_record_survives_the_way_there_and_any_json_reader_reads_it(data, kind):
    record = data.draw(_records(kind))
    topic = topics.topic("house-1", kind)
    payload = codec.encode(topic, record, KEY)
    assert codec.decode(topic, payload, KEY) == (record, "")
    plain = json.loads(payload)
    assert plain.pop("mac") and plain == record


@pytest.mark.parametrize("name", ["", "-a", "A", "a/b", "a" * 32, "a b", "#", "+", None, 3])
def test_topic_raises_when_the_node_name_is_wrong(name):
    with pytest.raises(ValueError, match="node name"):
        topics.topic(name, "reading")


def test_encode_names_the_member_when_it_does_not_fit():
    lease = dict(next(v for v in VECTORS if v["name"] == "lease")["record"])
    with pytest.raises(ValueError, match="counterparty_uwh=-1"):
        codec.encode(LEASE_TOPIC, lease | {"counterparty_uwh": -1}, KEY)


@pytest.mark.parametrize(
    ("last", "seq", "verdict"),
    [(None, 1, "new"), (4, 5, "new"), (4, 9, "new"), (4, 4, "duplicate"), (4, 3, "stale")],
)
def test_sequence_judges(last, seq, verdict):
    assert sequence.judge(last, seq) == verdict


def test_keys_differ_by_node_direction_and_generation():
    keys = {
        signing.derive_key(KEY, node, direction, generation)
        for node in ("house-1", "house-2")
        for direction in ("up", "down")
        for generation in (0, 1)
    }
    assert len(keys) == 8 and {len(key) for key in keys} == {32}
