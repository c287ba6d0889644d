"""Linked sources do what they did, and nothing that is named from outside has changed."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.board.firmware_files import linked, source_files
from tools.board.linker.link import LinkError, link, link_and_tell
from tools.board.linker.names import INTERPRETER_NAMES
from tools.board.linker.outside import Outside

ROOT = Path(__file__).parents[3]
PROGRAM = {
    "launcher.py": """
class Boots:
    def __init__(self):
        self.trial = 1
        self._hidden = 2

def launch():
    from node import program
    return program.main(Boots())
""",
    "node/__init__.py": "",
    "node/program.py": """
def main(boots):
    from node.app import Node
    return Node(boots, counted=3).outcome()
""",
    "node/limits.py": "LONGEST, SHORTEST = 40, 2\nTWICE = 2 * LONGEST\nUNUSED = 5\n",
    "node/base.py": """
import json
from node import limits

def twice(number):
    return 2 * number

def never():
    return 7

class Base:
    KIND = 'kind'
    DOUBLED = twice(limits.SHORTEST)

    def __init__(self, amount):
        self.amount = amount
        self.spoken = 5
        self.marked = json.loads('[1]')

    def total(self, factor, offset=limits.SHORTEST):
        return self.summed(lambda each: each * factor) + offset + self.DOUBLED

    def summed(self, change):
        return sum(change(number) for number in range(self.amount))

    def unused(self):
        return self.amount
""",
    "node/app.py": """
from node import limits
from node.attempt import chosen
from node.base import Base, twice

calls = 0

class Node(Base):
    def __init__(self, boots, counted):
        super().__init__(counted + 1)
        self.boots = boots
        self.seen = []

    def outcome(self):
        global calls
        calls += 1
        list = self.amount
        self.seen.append(getattr(self, 'spoken'))
        for twice_of in (twice(each) for each in range(3)):
            self.seen.append(twice_of)
        self.seen.append(self.total(3, offset=list) + limits.TWICE + calls)
        return self.seen, self.marked, self.KIND, self.boots.trial, chosen()
""",
    "node/attempt.py": """
try:
    from node.fast import chosen
except NameError:
    from node.slow import chosen
""",
    "node/fast.py": "def chosen():\n    return 'fast'\nraise NameError\n",
    "node/slow.py": "def chosen():\n    return 'slow'\n",
}
OUTCOME = "([5, 0, 2, 4, 107], [1], 'kind', 1, 'slow')"


def outcome(directory, sources):
    """Run a program under MicroPython and return what it prints."""
    for name, text in sources.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)
    code = "import launcher; print(launcher.launch())"
    argv = [sys.executable, "-m", "micropython_unix", "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=directory, timeout=60)
    return done.stdout.strip() or done.stderr


@pytest.fixture(scope="module")
def small():
    return link(PROGRAM, Outside())


def test_program_means_the_same_when_it_is_linked(tmp_path, small):
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    assert outcome(tmp_path / "before", PROGRAM) == OUTCOME
    assert outcome(tmp_path / "after", small) == OUTCOME


def test_modules_share_a_file_when_they_are_always_loaded_and_cannot_fail(small):
    assert sorted(small) == [
        "launcher.py", "node/__init__.py", "node/app.py", "node/fast.py", "node/program.py",
        "node/slow.py",
    ]  # fmt: skip


def test_own_names_become_short_when_nobody_else_names_them(small):
    text = small["node/app.py"]
    for gone in ("amount", "summed", "factor", "twice", "outcome", "marked", "LONGEST"):
        assert not re.search(rf"\b{gone}\b", text), gone
    # Said in a text, passed by name, a launcher's.
    for kept in ("spoken", "offset", "counted", "trial", "append", "loads"):
        assert re.search(rf"\b{kept}\b", text), kept


def test_names_stay_when_code_for_boards_uses_them():
    text = link(PROGRAM, Outside({"amount", "calls"}, {"node.app"}))["node/app.py"]
    assert "self.amount" in text
    assert "global calls" in text


def test_module_stands_in_when_code_for_boards_imports_what_is_in_another_file():
    files = link(PROGRAM, Outside({"twice"}, {"node.base"}))
    assert re.fullmatch(r"from node.app import \w+ as twice\n", files["node/base.py"])


def test_stand_in_takes_each_name_from_its_own_file_when_its_module_had_imported_some():
    bringing = "from node.apart import chosen\n"  # a launcher's, so a file of its own
    program = PROGRAM | {
        "node/apart.py": "def chosen():\n    return 7\n",
        "node/base.py": bringing + PROGRAM["node/base.py"],
        "node/program.py": bringing + PROGRAM["node/program.py"],
    }
    text = link(program, Outside({"twice", "chosen"}, {"node.base", "node.apart"}))["node/base.py"]
    assert "from node.apart import chosen as chosen\n" in text
    assert re.search(r"^from node.app import \w+ as twice$", text, re.MULTILINE)


def test_what_is_not_named_is_dropped(small):
    text = small["node/app.py"]
    assert "return 7" not in text  # never()
    assert "80" in text and "UNUSED" not in text  # 2 * LONGEST, written out
    methods = [len(node.body) for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    assert methods == [5, 2]  # of Base KIND, DOUBLED and three, not `unused`


def test_short_names_are_told_when_a_message_says_them(small):
    short = re.search(r"return sum\(.*range\(self\.(\w+)\)\)", small["node/app.py"])[1]
    assert ".amount" in link_and_tell(PROGRAM, Outside())[1][short]


def test_linking_is_refused_when_a_module_is_used_as_an_object():
    wrong = PROGRAM | {"node/base.py": PROGRAM["node/base.py"] + "\nnames = dir(limits)\n"
                       "\ndef told():\n    return names\n"}  # fmt: skip
    with pytest.raises(LinkError, match=r"node\.limits is used as an object"):
        link(wrong, Outside())


def test_linking_is_refused_when_a_name_has_two_meanings_in_one_file():
    wrong = PROGRAM | {"node/limits.py": "import cmath as json\n" + PROGRAM["node/limits.py"]}
    with pytest.raises(LinkError, match="another meaning"):
        link(wrong, Outside())


@pytest.fixture(scope="module")
def firmware():
    return {name: text.decode() for name, text in linked(source_files()).items()}


def bound_in(text):
    """Return the names that a module's code gives a meaning."""
    found = set()
    waiting = list(ast.parse(text).body)
    for node in waiting:
        if isinstance(node, ast.If | ast.Try):
            waiting += ast.iter_child_nodes(node)
        elif isinstance(node, ast.ExceptHandler):
            waiting += node.body
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            found.update(each.id for each in node.targets if isinstance(each, ast.Name))
        else:
            found.add(getattr(node, "name", ""))
    return found


def imports_for_boards():
    """Yield (module, name) of every import in code for boards."""
    pattern = re.compile(r"from ((?:node|wire)[.\w]*) import ([\w, ]+)")
    for path in sorted((ROOT / "tools/emulation").glob("on_board*.py")):
        for module, names in pattern.findall(path.read_text("utf-8")):
            yield from ((module, name.strip()) for name in names.split(","))
    for directory in ("tools/board", "tools/emulation", "tests/hil"):
        for path in sorted((ROOT / directory).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                text = getattr(node, "value", "") if isinstance(node, ast.Constant) else ""
                if isinstance(text, bytes):
                    text = text.decode(errors="replace")
                for module, names in pattern.findall(text) if isinstance(text, str) else ():
                    yield from ((module, name.strip()) for name in names.split(","))


def test_firmware_has_what_code_for_boards_imports_when_it_is_linked(firmware):
    found = sorted(set(imports_for_boards()))
    assert ("node.selftest", "SelfTest") in found and len(found) > 15
    for module, name in found:
        path = module.replace(".", "/")
        is_module = f"{path}/{name}.py" in firmware
        assert is_module or name in bound_in(firmware[path + ".py"]), f"{module}.{name}"


def test_each_file_finds_what_it_imports_when_the_firmware_is_linked(firmware):
    """One wrong name would show on a board only, and there only once that file is loaded."""
    missing = []
    for path, text in firmware.items():
        for node in ast.walk(ast.parse(text)):
            module = getattr(node, "module", None) or ""
            if not isinstance(node, ast.ImportFrom) or module.split(".")[0] not in ("node", "wire"):
                continue
            file = module.replace(".", "/")
            bound = bound_in(firmware.get(f"{file}.py", ""))
            missing += [
                (path, module, each.name)
                for each in node.names
                if each.name not in bound and f"{file}/{each.name}.py" not in firmware
            ]
    assert missing == []


@pytest.mark.parametrize(
    ("path", "class_", "methods"),
    [
        ("node/selftest.py", "SelfTest",
         {"measure", "parts", "network", "time", "memory", "flash", "calibrated", "public_key"}),
        ("node/selftest_relays.py", "RelayTest", {"rest", "released", "pulse"}),
        ("node/app.py", "Node", {"run", "send_reading"}),
        ("launcher.py", "Boots",
         {"path_of", "free_slot", "begin_trial", "confirm", "roll_back", "told", "next_slot"}),
    ],
)  # fmt: skip
def test_firmware_has_the_methods_that_others_call_when_it_is_linked(
    firmware, path, class_, methods
):
    found = next(node for node in ast.walk(ast.parse(firmware[path]))
                 if isinstance(node, ast.ClassDef) and node.name == class_)  # fmt: skip
    assert methods <= {getattr(each, "name", "") for each in found.body}


def test_value_that_tools_change_is_read_when_the_firmware_is_linked(firmware):
    # tools/emulation/lone.py lets a board save more often.
    assert firmware["node/app.py"].count("SAVE_PERIOD_MS") == 2


def test_launcher_keeps_its_public_names_when_it_is_linked(firmware):
    def public(text):
        return {node.attr for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.Attribute) and node.attr[0] != "_"}  # fmt: skip

    # Firmware that comes over the air meets the launcher of another release.
    before, after = source_files()["launcher.py"].decode(), firmware["launcher.py"]
    assert public(before) <= public(after)
    assert {"Boots", "launch", "select", "enter", "leave"} <= bound_in(after)
    assert "main" in bound_in(firmware["node/program.py"])


def test_same_sources_give_the_same_bytes_when_sets_have_another_order():
    code = (
        "import hashlib; from tools.board.firmware_files import linked, source_files; "
        "print(hashlib.sha256(repr(sorted(linked(source_files()).items())).encode()).hexdigest())"
    )
    said = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                              cwd=ROOT, env=environment, timeout=120, check=True)  # fmt: skip
        said.add(done.stdout)
    assert len(said) == 1


def test_names_of_the_compiler_are_never_given():
    assert "const" not in INTERPRETER_NAMES
    assert len(INTERPRETER_NAMES) > 500
