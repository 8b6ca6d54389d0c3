"""What the documents say is what is there: links, events, decisions, commands, pins."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from linesim import faults
from tests import permissions
from tests.architecture.source import modules

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path
    for folder in (ROOT, ROOT / "docs", ROOT / "docs" / "adr", ROOT / "linesim")
    for path in folder.glob("*.md")
)
LINK = re.compile(r"\[[^\]]+\]\((?!https?:|mailto:)([^)#]+)(#[^)]+)?\)")
EVENT_ROW = re.compile(r"^\| `([a-z]+\.[a-z_]+)` \|", re.M)
# Calls of events.record whose name is put together: what each of them can make.
COMPOSED = {
    "f'message.{state}'": {"message.sent", "message.failed", "message.unconfirmed"},
    "f'channel.{kind}'": {"channel.disabled", "channel.enabled"},
    "kind": {"contact.blocked", "contact.followed"},
}


def text(place: str) -> str:
    return (ROOT / place).read_text("utf-8")


def recorded_names() -> list[ast.expr]:
    return [
        node.args[0]
        for module in modules("app")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "events.record"
    ]


def test_permissions_are_told_as_the_tests_ask_them(app):
    assert permissions.PAGE.read_text("utf-8") == permissions.written(app), "python -m tests.permissions"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_documents_leads_somewhere(document: Path):
    targets = [match[1].strip() for match in LINK.finditer(document.read_text("utf-8"))]
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert missing == []


def test_glossary_lists_every_event_that_is_recorded_and_no_other():
    names = recorded_names()
    plain = {name.value for name in names if isinstance(name, ast.Constant)}
    composed = [ast.unparse(name) for name in names if not isinstance(name, ast.Constant)]
    assert set(composed) == set(COMPOSED)
    listed = EVENT_ROW.findall(text("docs/glossary.md"))
    assert listed == sorted(plain.union(*COMPOSED.values()))


def test_event_names_are_a_noun_and_what_happened_to_it():
    listed = EVENT_ROW.findall(text("docs/glossary.md"))
    odd = [name for name in listed if not re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*", name)]
    assert listed and odd == []


def test_decisions_are_numbered_without_gaps_and_linked_from_the_architecture():
    names = sorted(path.name for path in (ROOT / "docs" / "adr").glob("*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    architecture = text("docs/architecture.md")
    assert [name for name in names if f"adr/{name}" not in architecture] == []


def test_readme_names_every_command_of_the_operator(app):
    readme = text("README.md")
    commands = [
        f"{group} {command}"
        for group in ("agents", "tokens", "channels", "settings", "keys", "backup")
        for command in app.cli.commands[group].commands
    ]
    assert len(commands) >= 8
    assert [command for command in commands if f"`{command}" not in readme] == []


def test_readme_promises_what_the_tests_hold():
    promise = text("README.md").partition("### What is promised about messages")[2]
    for words in (
        "2xx is stored and shown exactly once",
        "at most once per retry key",
        "order in which messages arrived in our database",
        "never redelivered while Mado was down",
    ):
        assert words in " ".join(promise.split())


def test_trying_by_hand_orders_only_faults_that_the_simulators_page_offers():
    parts = [part for part in text("docs/trying.md").split("\n## ") if "| behaviour | fault" in part]
    rows = [line for part in parts for line in part.splitlines() if line.startswith("| ")]
    ordered = set(re.findall("`([^`]+)`", " ".join(row.split(" | ")[1] for row in rows)))
    assert len(ordered) >= 8
    assert ordered - set(faults.WORDS.values()) == set()


def test_security_names_only_tests_that_are_there():
    there = {
        f"{path.stem}::{name}"
        for folder in ("tests", "e2e")
        for path in (ROOT / folder).rglob("test_*.py")
        for name in re.findall(r"^def test_(\w+)", path.read_text("utf-8"), re.M)
    }
    named = re.findall(r"`(test_\w+::\w+)`", text("docs/security.md"))
    assert len(named) > 200
    assert sorted(set(named) - there) == []


def test_security_goes_through_every_threat_and_every_line_of_asvs_once():
    """Each row names a test or a reason."""
    rows = re.findall(r"^\| (T?[\d.]+[^|]*) \|[^|]*\| (.+) \|$", text("docs/security.md"), re.M)
    assert [said for _, said in rows if not said.strip()] == []
    listed = [number for ids, _ in rows for part in ids.split(", ") for number in spread(part)]
    assert [number for number in listed if number[0] == "T"] == [f"T{n}" for n in range(1, 43)]
    asvs = [number for number in listed if number[0] != "T"]
    assert len(asvs) == len(set(asvs)) == 253


def spread(ids: str) -> list[str]:
    """`1.4.1-1.4.3` as three."""
    first, dash, last = ids.partition("-")
    section, _, start = first.rpartition(".")
    return [f"{section}.{n}" for n in range(int(start), int(last.rpartition(".")[2]) + 1)] if dash else [first]


def test_every_requirement_is_pinned_with_its_hashes():
    pinned = re.compile(r"^[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==\S+ .*\\$")
    for place in ("requirements.txt", "requirements-dev.txt"):
        heads = [line for line in text(place).splitlines() if line and line[0] not in " #"]
        assert [line for line in heads if not pinned.match(line)] == []
        assert text(place).count("--hash=sha256:") >= len(heads)


def test_make_says_what_each_of_its_targets_does():
    said = subprocess.run(["make", "-C", ROOT], capture_output=True, text=True, check=True).stdout
    targets = re.search(r"^\.PHONY: (.+)$", text("Makefile"), re.M)
    assert targets
    assert [name for name in targets[1].split() if f"make {name}" not in said] == []
