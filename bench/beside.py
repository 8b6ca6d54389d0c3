"""Something that goes on in a thread while a block runs, and whose failure is the block's."""

import threading
from types import TracebackType
from typing import Self


class Beside:
    """`run` is what goes on, until `is_over` is set; `failure` is what ended it before."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._guarded, name=type(self).__name__, daemon=True)

    def run(self) -> None:
        raise NotImplementedError

    def begin(self) -> None:
        """What is done in the caller's thread before."""

    def finish(self) -> None:
        """And after it, whether it failed or not."""

    def __enter__(self) -> Self:
        self.begin()
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.is_over.set()
        self._thread.join()
        self.finish()
        if self.failure:
            raise self.failure

    def _guarded(self) -> None:
        try:
            self.run()
        except BaseException as failure:
            self.failure = failure
