"""A Mado that dies when all is committed and nothing is answered, once, after a file asks for it (F6).

For a process of its own: importing it sets up Mado and its log.
"""

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from wsgi import app as mado


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    answer = mado.wsgi_app(environ, start_response)
    order = Path(os.environ["DIES_AT"])
    if environ["REQUEST_METHOD"] == "POST" and order.exists():
        order.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return answer
