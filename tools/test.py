"""`make test`: gets what the tests need, then becomes pytest, whose exit code is the answer."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import browser
import environment
from environment import ROOT, Problem

# More only helps with more cores: the suite starts servers and browsers of its own.
MOST_PROCESSES = 4


def main() -> None:
    try:
        python = environment.ready(for_tests=True)
        chromium = browser.find_or_fetch(python)
    except Problem as problem:
        sys.exit(str(problem))
    os.chdir(ROOT)
    arguments = [str(python), "-m", "pytest", *_spread(sys.argv[1:]), *sys.argv[1:]]
    os.execve(python, arguments, os.environ | {"CHROMIUM": chromium})  # noqa: S606 - no shell


def _spread(said: list[str]) -> list[str]:
    """As many processes as there are cores, unless the caller said something about it."""
    if any(argument.startswith("-n") for argument in said):
        return []
    return ["-n", str(min(os.cpu_count() or 1, MOST_PROCESSES))]


if __name__ == "__main__":
    main()
