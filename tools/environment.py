"""The virtual environment: made once, and filled again only when what is pinned has changed.

Runs on whatever Python 3.11 or newer `make` found, before anything is installed, so it has the
standard library and nothing else. It refuses to install anything that is not pinned by hash.
"""

import hashlib
import json
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
OLDEST = (3, 11)
RUN, TEST = "requirements.txt", "requirements-dev.txt"


def refuse_old_python() -> None:
    """Exit with a sentence, where an old Python would exit with a riddle."""
    if sys.version_info < OLDEST:
        sys.exit(f"Mado needs Python 3.11 or newer, and this is {sys.version.split()[0]}.")


# At once: what imports this module is not even readable to an older one.
refuse_old_python()


class Problem(Exception):
    """Why we can't go on, and what to do, as one text for people."""


def ready(*, for_tests: bool = False) -> Path:
    """The environment's Python, with everything that is pinned. Raise Problem."""
    wanted = _fingerprints([RUN, TEST] if for_tests else [RUN])
    have = _stamp() if PYTHON.exists() else {}
    if wanted.items() <= have.items():
        return PYTHON
    if have.get("python") != wanted["python"] or not _has_pip():
        _make()
        have = {}
    _install([name for name in (RUN, TEST) if name in wanted])
    STAMP.write_text(json.dumps(have | wanted, indent=1), "utf-8")
    return PYTHON


def _fingerprints(names: list[str]) -> dict[str, str]:
    files = {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in names}
    return {"python": "{}.{}".format(*sys.version_info), **files}


def _stamp() -> dict[str, str]:
    try:
        return json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        # Made by hand: keep it and let pip look what is missing.
        return {"python": "{}.{}".format(*sys.version_info)}


def _has_pip() -> bool:
    asked = subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False)
    return asked.returncode == 0


def _make() -> None:
    print("Making the virtual environment in .venv ...", flush=True)
    try:
        venv.create(VENV, clear=True, with_pip=True)
    except (subprocess.CalledProcessError, OSError) as problem:
        raise Problem(
            f"The virtual environment could not be made ({problem}).\n"
            "On Debian and Ubuntu it needs one more package: apt-get install python3-venv"
        ) from problem


def _install(names: list[str]) -> None:
    print(f"Installing what {' and '.join(names)} pin, once. This takes a while ...", flush=True)
    files = [argument for name in names for argument in ("-r", name)]
    pip = [PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "--require-hashes", "--no-deps", "--no-compile", *files], cwd=ROOT, check=False
    )
    if done.returncode:
        raise Problem("pip could not install the requirements; its reason stands above.")
    _compile()


def _compile() -> None:
    """Beside what comes next, and yielding to it: what isn't compiled when it is imported is then.

    pip would do it before anything starts, one file after the other.
    """
    command = ["nice", "-n", "19", PYTHON, "-m", "compileall", "-q", "-j", "0", VENV / "lib"]
    subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    try:
        print(ready(for_tests="--for-tests" in sys.argv))
    except Problem as problem:
        sys.exit(str(problem))
