"""An agent who answers through the JSON API, and a LINE that is not always well.

Every answer has a text and an Idempotency-Key of its own and is posted until Mado accepts it. Now
and then a fault is ordered at the simulator first: refused before LINE accepted the call, or
spoiled after it.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator

import requests

from linesim.current import KEY
from linesim.faults import Fault
from linesim.serving import Running
from tests.faults.sender import AGAIN_SECONDS, Sender
from tests.processes.servers import Mado

FAULTS = (
    *("timeout-after", "timeout-before", "429", "500-after", "reset", "half-200"),
    *("500", "reset-after", "429-retry-after", "odd-200", "503"),
)
# Longer than Mado waits for LINE.
HANGS_SECONDS = 30.0
PATIENCE_SECONDS = 10.0


class Answers:
    """Answer number n goes to case n modulo their count, when its share of all events is in."""

    def __init__(
        self,
        mado: Mado,
        line: Running,
        token: str,
        cases: list[int],
        sender: Sender,
        *,
        count: int,
        faults: int,
    ) -> None:
        self._mado, self._token, self._cases, self._sender = mado, token, cases, sender
        self.count, self._faults = count, faults
        self._line = line.app.extensions[KEY]
        self._kinds: Iterator[str] = itertools.cycle(FAULTS)
        self.accepted: dict[str, int] = {}
        self.answers: Counter[int | str] = Counter()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)
        assert len(self.accepted) == self.count, f"{len(self.accepted)} of {self.count} accepted"

    def delivered(self) -> list[tuple[str, str]]:
        """What arrived at phones, in its order: whose, and its text."""
        with self._line.sim.lock:
            arrived = [one for one in self._line.sim.messages if one.is_from_account]
        return [(one.talk, one.body["text"]) for one in arrived]

    def _run(self) -> None:
        for number in range(self.count):
            self._sender.wait_for(self._sender.count * number // self.count, seconds=3600)
            if number * self._faults // self.count < (number + 1) * self._faults // self.count:
                call = "reply" if number % 2 else "push"
                self._line.faults.order(Fault(call, next(self._kinds), seconds=HANGS_SECONDS))
            case, text = self._cases[number % len(self._cases)], f"answer-{number}"
            while not self._is_accepted(case, text):
                threading.Event().wait(AGAIN_SECONDS)

    def _is_accepted(self, case: int, text: str) -> bool:
        try:
            answer = requests.post(
                f"{self._mado.url}/api/v1/cases/{case}/messages",
                json={"text": text},
                headers={"Authorization": f"Bearer {self._token}", "Idempotency-Key": text},
                timeout=PATIENCE_SECONDS,
            )
        except requests.RequestException:
            self.answers["no connection"] += 1
            return False
        self.answers[answer.status_code] += 1
        if answer.status_code in (200, 201):
            self.accepted[text] = answer.json()["id"]
        return text in self.accepted
