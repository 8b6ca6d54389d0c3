"""Kills parts of an installation while it works, and starts them again at once.

Each strike waits until a random number of events of its share is acknowledged, so that every one
of them hits a Mado that has work, however fast the machine is. Which part it is comes from a
shuffled deck: none is left out by chance. Kills are SIGKILL over web and schedulers; whatever else
is done to them or to what they need comes in addition.
"""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.faults.sender import Sender
from tests.processes.servers import Mado, soon

#: May answer from when on Mado was not ready, where that is later than the strike.
Strike = Callable[[], float | None]

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

    def again_in_peace(self, name: str) -> float:
        """Told to stop, as a service manager does; it answers until its replies have ended."""
        self._running[name].send_signal(signal.SIGTERM)
        soon(lambda: not self.mado.is_ready())
        closed = time.monotonic()
        self._running[name].wait(30)
        self.start(name)
        return closed

    def again_while_it_starts(self, chance: Random) -> None:
        self.again()
        threading.Event().wait(chance.uniform(0.3, 1.2))
        self.again()

    def kill_worker(self) -> None:
        """One of gunicorn's workers; gunicorn starts another."""
        for pid in children(self._running["web"].pid)[:1]:
            os.kill(pid, signal.SIGKILL)

    def kills(self, chance: Random) -> dict[str, Strike]:
        """What a killer may do to it with SIGKILL."""
        each = {"web": lambda: self.again("web")} if self._schedulers else {}
        each |= {name: lambda name=name: self.again(name) for name in self._schedulers}
        return each | {
            "one worker": self.kill_worker,
            "everything": self.again,
            "everything, and again as it starts": lambda: self.again_while_it_starts(chance),
        }

    def others(self) -> dict[str, Strike]:
        """What may be done to it without."""
        peace = {"web, in peace": lambda: self.again_in_peace("web")}
        asleep = {"a scheduler asleep": lambda: nap(self._running[self._schedulers[0]])}
        return peace | asleep if self._schedulers else peace

    @property
    def _schedulers(self) -> list[str]:
        return [name for name in self._commands if name.startswith("scheduler")]


@dataclass(frozen=True)
class Hit:
    """A strike: from when until when Mado was not ready for it, by the clock that does not step."""

    name: str
    began: float
    ready: float

    @property
    def seconds(self) -> float:
        return self.ready - self.began


class Killer:
    """Strikes `kill_count` times with one of the kills, `other_count` times with one of the others."""

    def __init__(
        self,
        mado: Mado,
        kills: dict[str, Strike],
        others: dict[str, Strike],
        sender: Sender,
        chance: Random,
        *,
        kill_count: int,
        other_count: int,
    ) -> None:
        self._mado, self._sender, self._chance = mado, sender, chance
        self._kills, self._strikes = kills, kills | others
        self._deck = _dealt(kills, kill_count, chance) + _dealt(others, other_count, chance)
        chance.shuffle(self._deck)
        self.hits: list[Hit] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def struck(self) -> Counter[str]:
        return Counter(hit.name for hit in self.hits)

    @property
    def killed(self) -> int:
        """How many strikes were SIGKILL over web and schedulers."""
        return sum(hit.name in self._kills for hit in self.hits)

    @property
    def slowest(self) -> Hit:
        """The strike after which it was not ready for longest."""
        return _slowest(self.hits)

    @property
    def slowest_kill(self) -> Hit:
        """The same of SIGKILLs."""
        return _slowest(hit for hit in self.hits if hit.name in self._kills)

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)
        assert len(self.hits) == len(self._deck), f"{len(self.hits)} of {len(self._deck)} strikes"

    def last_before(self, moment: float) -> str:
        """The strike that hit last before this moment of the clock that does not step."""
        return next((hit.name for hit in reversed(self.hits) if hit.began <= moment), "no strike")

    def was_ready(self, began: float, ended: float) -> bool:
        """Whether no strike kept Mado from being ready at any moment between these two."""
        return not any(hit.began <= ended and began <= hit.ready for hit in self.hits)

    def _run(self) -> None:
        share = self._sender.count / max(1, len(self._deck))
        for number, name in enumerate(self._deck):
            self._sender.wait_for(
                int(share * (number + self._chance.uniform(0.1, 0.9))), seconds=3600
            )
            began = time.monotonic()
            began = self._strikes[name]() or began
            soon(self._mado.is_ready)
            self.hits.append(Hit(name, began, time.monotonic()))


def _slowest(hits: Iterable[Hit]) -> Hit:
    return max(hits, key=lambda hit: hit.seconds, default=Hit("no strike", 0.0, 0.0))


def _dealt(strikes: dict[str, Strike], count: int, chance: Random) -> list[str]:
    """So many of them; none comes a second time before each has come once."""
    dealt: list[str] = []
    while len(dealt) < count:
        dealt += chance.sample(sorted(strikes), len(strikes))
    return dealt[:count]
