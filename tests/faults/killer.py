"""Kills parts of an installation while it works, and starts them again at once.

Each strike waits until a random number of events of its share is acknowledged, so that every one
of them hits a Mado that has work, however fast the machine is. Which part it is comes from a
shuffled deck: none is left out by chance.
"""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.faults.sender import Sender
from tests.processes.servers import Mado, soon

Strike = Callable[[], None]

# Longer than Mado waits for Redis, and than a scheduler leads without a word.
ASLEEP_SECONDS = 10.0


def children(pid: int) -> list[int]:
    """The processes that this one started: Linux tells it in a file, others need a program."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if listed.exists():
        return [int(child) for child in listed.read_text().split()]
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    return [int(child) for child in found.stdout.split()]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def nap(process: subprocess.Popen[bytes]) -> None:
    """It freezes at once, as on a machine that is suspended, and goes on later, if it lives then."""
    process.send_signal(signal.SIGSTOP)
    timer = threading.Timer(ASLEEP_SECONDS, process.send_signal, [signal.SIGCONT])
    timer.daemon = True
    timer.start()


class Installation:
    """Which processes it consists of, by name: what each is started with."""

    def __init__(self, mado: Mado, commands: dict[str, tuple[str, ...]]) -> None:
        self.mado, self._commands = mado, commands
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        for name in names or self._commands:
            self._running[name] = self.mado.start(*self._commands[name])

    def kill(self, *names: str) -> None:
        """SIGKILL whole process groups, at one stroke."""
        doomed = [self._running[name] for name in names or self._commands]
        for process in doomed:
            os.killpg(process.pid, signal.SIGKILL)
        for process in doomed:
            process.wait(30)

    def again(self, *names: str) -> None:
        self.kill(*names)
        self.start(*names)

    def again_in_peace(self, name: str) -> None:
        """Told to stop, as a service manager does."""
        self._running[name].send_signal(signal.SIGTERM)
        self._running[name].wait(30)
        self.start(name)

    def again_while_it_starts(self, chance: Random) -> None:
        self.again()
        threading.Event().wait(chance.uniform(0.3, 1.2))
        self.again()

    def kill_worker(self) -> None:
        """One of gunicorn's workers; gunicorn starts another."""
        for pid in children(self._running["web"].pid)[:1]:
            os.kill(pid, signal.SIGKILL)

    def strikes(self, chance: Random) -> dict[str, Strike]:
        """What a killer may do to it."""
        schedulers = [name for name in self._commands if name.startswith("scheduler")]
        each = {"web": lambda: self.again("web")} if schedulers else {}
        each |= {name: lambda name=name: self.again(name) for name in schedulers}
        if schedulers:
            each["a scheduler asleep"] = lambda: nap(self._running[schedulers[0]])
        return each | {
            "web, in peace": lambda: self.again_in_peace("web"),
            "one worker": self.kill_worker,
            "everything": self.again,
            "everything, and again as it starts": lambda: self.again_while_it_starts(chance),
        }


class Killer:
    def __init__(
        self, mado: Mado, strikes: dict[str, Strike], sender: Sender, chance: Random, *, count: int
    ) -> None:
        self._mado, self._strikes, self._sender, self._chance = mado, strikes, sender, chance
        self.count = count
        self.struck: Counter[str] = Counter()
        self.slowest_return, self.slowest_strike = 0.0, ""
        self._began: list[tuple[float, str]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)
        assert self.struck.total() == self.count, f"{self.struck.total()} of {self.count} strikes"

    def last_before(self, moment: float) -> str:
        """The strike that hit last before this moment of the clock that does not step."""
        return next((name for began, name in reversed(self._began) if began <= moment), "no strike")

    def _run(self) -> None:
        share = self._sender.count / max(1, self.count)
        for number, name in enumerate(self._deck()):
            self._sender.wait_for(
                int(share * (number + self._chance.uniform(0.1, 0.9))), seconds=3600
            )
            began = time.monotonic()
            self._began.append((began, name))
            self._strikes[name]()
            soon(self._mado.is_ready)
            seconds = time.monotonic() - began
            if seconds > self.slowest_return:
                self.slowest_return, self.slowest_strike = seconds, name
            self.struck[name] += 1

    def _deck(self) -> list[str]:
        dealt: list[str] = []
        while len(dealt) < self.count:
            dealt += self._chance.sample(sorted(self._strikes), len(self._strikes))
        return dealt[: self.count]
