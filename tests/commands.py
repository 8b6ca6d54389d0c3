"""The operator's commands, several in one process: starting Python for each takes a second or two.

As a program it reads [[arguments, typed], ...] as JSON from standard input, and writes what each
printed as JSON.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
Command = list[str] | tuple[list[str], str]


def run_commands(env: dict[str, str], *commands: Command) -> list[str]:
    """The operator's commands, each its arguments, or these and what is typed; what each printed."""
    told = [command if isinstance(command, tuple) else (command, "") for command in commands]
    done = subprocess.run(
        [sys.executable, "-m", "tests.commands"], cwd=ROOT, env=env, input=json.dumps(told),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed: list[str] = json.loads(done.stdout.splitlines()[-1])
    return printed


def main() -> None:
    from wsgi import app

    def run(arguments: list[str], typed: str) -> str:
        done = app.test_cli_runner().invoke(args=arguments, input=typed)
        if done.exit_code:
            sys.exit(f"{' '.join(arguments)}: {done.output} {done.exception!r}")
        return done.stdout.strip()

    sys.stdout.write(json.dumps([run(*command) for command in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
