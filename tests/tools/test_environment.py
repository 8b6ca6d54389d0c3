"""The virtual environment is made and filled when needed, and not touched else."""

import sys
from pathlib import Path

import browser
import environment
import pytest


class Fake:
    """An environment in a folder: what would be made and installed is written down."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.done = root, []
        self.python = root / ".venv" / "bin" / "python"
        for name in (environment.RUN, environment.TEST):
            (root / name).write_text(f"{name}==1\n")
        monkeypatch.setattr(environment, "ROOT", root)
        monkeypatch.setattr(environment, "PYTHON", self.python)
        monkeypatch.setattr(environment, "STAMP", root / ".venv" / "installed.json")
        monkeypatch.setattr(environment, "_make", self._make)
        monkeypatch.setattr(environment, "_install", self.done.append)
        monkeypatch.setattr(environment, "_has_pip", self.python.exists)

    def _make(self) -> None:
        self.done.append("made")
        self.python.parent.mkdir(parents=True, exist_ok=True)
        self.python.touch()

    def ready(self, **options: bool) -> list:
        self.done.clear()
        assert environment.ready(**options) == self.python
        return list(self.done)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    return Fake(tmp_path, monkeypatch)


def test_first_time_makes_and_installs_and_the_second_does_nothing(fake: Fake):
    assert fake.ready() == ["made", ["requirements.txt"]]
    assert fake.ready() == []


def test_tests_need_more_and_what_they_installed_serves_a_run_too(fake: Fake):
    fake.ready()
    assert fake.ready(for_tests=True) == [["requirements.txt", "requirements-dev.txt"]]
    assert fake.ready() == []


def test_changed_pins_are_installed_into_what_is_there(fake: Fake):
    fake.ready()
    (fake.root / "requirements.txt").write_text("flask==9\n")
    assert fake.ready() == [["requirements.txt"]]


def test_another_python_makes_it_anew(fake: Fake, monkeypatch: pytest.MonkeyPatch):
    fake.ready()
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    assert fake.ready() == ["made", ["requirements.txt"]]


def test_interrupted_installation_is_done_again(fake: Fake, monkeypatch: pytest.MonkeyPatch):
    def interrupt(_names: list[str]) -> None:
        raise environment.Problem("pip could not install")

    monkeypatch.setattr(environment, "_install", interrupt)
    with pytest.raises(environment.Problem):
        environment.ready()
    monkeypatch.setattr(environment, "_install", fake.done.append)
    assert fake.ready() == [["requirements.txt"]]


def test_old_python_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 2))
    with pytest.raises(SystemExit, match=r"3\.11 or newer"):
        environment.refuse_old_python()


# ── The browser ─────────────────────────────────────────────────────────────────────────────


def test_named_browser_that_does_not_start_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(environment.Problem, match="does not start"):
        browser.find_or_fetch(Path(sys.executable))


def test_installed_browser_comes_before_any_download(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(browser, "_installed", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(browser, "_download", lambda _: pytest.fail("nothing to fetch"))
    assert browser.find_or_fetch(Path(sys.executable)) == "/usr/bin/chromium"


def test_playwrights_browser_comes_next_and_the_package_last(monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.delenv("CHROMIUM", raising=False)
    for name, answer in (
        ("_installed", None),
        ("_playwrights", None),
        ("_download", False),
        ("_install_package", False),
    ):
        monkeypatch.setattr(browser, name, lambda *_, n=name, a=answer: asked.append(n) or a)
    with pytest.raises(environment.Problem, match="need a browser"):
        browser.find_or_fetch(Path(sys.executable))
    assert asked == ["_installed", "_playwrights", "_download", "_install_package"]
