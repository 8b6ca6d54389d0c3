"""`python -m linesim`: the simulator on a loopback address until SIGTERM or Ctrl-C."""

import argparse
import signal
import sys
from types import FrameType

from linesim import create_app


def main() -> None:
    options = _options()
    app = create_app(name=options.name, token=options.token, secret=options.secret,
                     channel_id=options.channel_id, webhook=options.webhook)
    from linesim.serving import let_go, listen

    try:
        server = listen(app, options.host, options.port)
    except OSError as problem:
        sys.exit(f"The LINE simulator can't listen on {options.host}:{options.port}: {problem.strerror}.")
    # SIGINT by name too: a shell starts background jobs with it ignored.
    stop = _Stop()
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        print(f"LINE simulator on http://{options.host}:{server.server_port}/", flush=True)
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        let_go(app)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m linesim", description="A simulated LINE for trying Mado.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--name", help="the account's name")
    parser.add_argument("--token", help="channel access token")
    parser.add_argument("--secret", help="channel secret")
    parser.add_argument("--channel-id", dest="channel_id")
    parser.add_argument("--webhook", help="where webhooks go")
    return parser.parse_args()


class _Stop:
    """One signal is enough: Ctrl-C and whoever started us may both send theirs.

    It stays the handler: to replace one while its signal is on the way makes Python print an OSError.
    """

    def __init__(self) -> None:
        self._is_stopping = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            raise KeyboardInterrupt


if __name__ == "__main__":
    main()
