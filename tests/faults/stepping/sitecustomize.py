"""Steps the clock of a process that is started with this folder in PYTHONPATH (F14, G7).

The file that CLOCK_FILE names holds the seconds by which it goes wrong, and is looked at again and
again, in forked workers too. The clock that does not step stays true.
"""

import os
import threading
import time
from pathlib import Path

import time_machine

LOOKS_SECONDS = 0.05
BEGAN, TRUE = time.monotonic(), time.time()


def follow(offset: Path) -> None:
    said, step = "0", None
    while True:
        if (now := offset.read_text()) != said:
            if step:
                step.stop()
            said, passed = now, time.monotonic() - BEGAN
            step = time_machine.travel(TRUE + passed + float(said), tick=True)
            step.start()
        threading.Event().wait(LOOKS_SECONDS)


def begin() -> None:
    threading.Thread(target=follow, args=[Path(os.environ["CLOCK_FILE"])], daemon=True).start()


begin()
os.register_at_fork(after_in_child=begin)
