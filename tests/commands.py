"""The operator's commands, several in one process: starting Python for each takes a second or two.

Reads [[arguments, typed], ...] as JSON from standard input; writes what each printed, as JSON.
"""

import json
import sys

from wsgi import app


def run(arguments: list[str], typed: str) -> str:
    done = app.test_cli_runner().invoke(args=arguments, input=typed)
    if done.exit_code:
        sys.exit(f"{' '.join(arguments)}: {done.output} {done.exception!r}")
    return done.stdout.strip()


if __name__ == "__main__":
    printed = [run(arguments, typed) for arguments, typed in json.load(sys.stdin)]
    sys.stdout.write(json.dumps(printed))
