"""Signed calls to the bucket's host; what goes wrong becomes words, and is remembered for a moment.

botocore signs (AWS's own code, of which only the signer is loaded) and urllib3 talks, so that bytes go
through piece by piece. A host that does not answer is not asked again for some seconds, and only
some threads wait for an answer at a time: pages that want pictures must not keep webhooks from theirs.
"""

import errno
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import quote

from app.s3 import Bucket

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 4.0  # also from one piece to the next
# How long one piece of ours may take, and the answer after the last one.
SEND_SECONDS = 10.0
KEPT_SECONDS = 30.0
# Half of the threads that gunicorn.conf.py gives to requests, and how long for a place among them.
MOST_WAITING = 8
PLACE_SECONDS = 0.5
# For how long nobody waits for a place after somebody did so in vain.
CROWDED_SECONDS = 1.0
REST_SECONDS = 5.0
BUSY = (500, 502, 503, 504)

log = logging.getLogger(__name__)


class Unavailable(ConnectionError):
    """The bucket can't be had now. Its text is for people and names no file."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        # A server in the middle of an answer drops the connection on this, without a traceback.
        self.errno = errno.ECONNRESET


class Calls:
    """Those of one process to one bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._places = threading.BoundedSemaphore(MOST_WAITING)
        self._rests_until = self._crowded_until = 0.0
        #: What is wrong with the bucket, as far as this process knows.
        self.problem: str | None = None

    def get(self, name: str, *, start: int = 0) -> Any:
        """The answer with a file's bytes from there on, to be read and closed. FileNotFoundError."""
        return self._ask("GET", name, headers={"Range": f"bytes={start}-"}, streams=True)

    def size_of(self, name: str) -> int | None:
        try:
            answer = self._ask("HEAD", name)
        except FileNotFoundError:
            return None
        return int(answer.headers.get("Content-Length", 0))

    def put(self, name: str, pieces: Iterator[bytes], *, size: int, checksum: str) -> None:
        """The whole file or nothing: what does not fit its checksum (SHA-256) is not taken."""
        self._ask("PUT", name, headers={"Content-Length": str(size)}, body=pieces, checksum=checksum)

    def delete(self, name: str) -> None:
        try:
            self._ask("DELETE", name)
        except FileNotFoundError:
            return

    def listed(self, **query: str) -> bytes:
        """A page of names as XML."""
        data: bytes = self._ask("GET", "", query={"list-type": "2"} | query).data
        return data

    def check(self) -> None:
        """See whether the bucket is there and ours."""
        self._rests_until = 0.0
        try:
            self._ask("HEAD", "")
        except FileNotFoundError:
            self._fail("there is no such bucket")

    # ── One call ────────────────────────────────────────────────────────────────────────────

    def _ask(
        self,
        method: str,
        name: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Iterator[bytes] | None = None,
        checksum: str | None = None,
        streams: bool = False,
    ) -> Any:
        """The answer, a good one. Raise FileNotFoundError for 404, Unavailable for all others."""
        url = self._url(name, query or {})
        signed = self._signed(method, url, dict(headers or {}), checksum)
        waits = nullcontext() if body else self._place()
        with waits, self.in_words():
            answer = self._pool.request(
                method,
                url,
                headers=signed,
                body=body,
                preload_content=not streams,
                decode_content=False,
                redirect=False,
                **self._patience(has_body=body is not None),
            )
        return self._judged(answer, is_bucket=not name)

    def _judged(self, answer: Any, *, is_bucket: bool) -> Any:
        status = answer.status
        if status < 300:
            self._well()
            return answer
        answer.close()
        if status == 404 and not is_bucket:
            self._well()
            raise FileNotFoundError
        refused = "it refuses the key; look at S3_ACCESS_KEY_ID, the secret and S3_REGION"
        words = {403: refused, 404: "there is no such bucket"}
        self._fail(words.get(status, f"it answered {status}"))

    @contextmanager
    def in_words(self) -> Iterator[None]:
        """What a call or reading its answer can raise. It rests for a moment after that."""
        from urllib3.exceptions import HTTPError, NewConnectionError, TimeoutError

        if time.monotonic() < self._rests_until:
            raise Unavailable(self.problem or "The storage can't be reached.")
        try:
            yield
        except HTTPError as problem:
            self._rests_until = time.monotonic() + REST_SECONDS
            reason = getattr(problem, "reason", problem)
            is_slow = isinstance(reason, TimeoutError) and not isinstance(reason, NewConnectionError)
            self._fail("it does not answer in time" if is_slow else "it can't be reached", problem)

    @contextmanager
    def _place(self) -> Iterator[None]:
        is_crowded = time.monotonic() < self._crowded_until
        if not self._places.acquire(timeout=0 if is_crowded else PLACE_SECONDS):
            self._crowded_until = time.monotonic() + CROWDED_SECONDS
            raise Unavailable("The storage is slow: too many are waiting for it.")
        try:
            yield
        finally:
            self._places.release()

    def _fail(self, what: str, problem: Exception | None = None) -> NoReturn:
        text = f"The storage: {what}."
        if text != self.problem:
            log.warning("%s (%s)", text, self._bucket.endpoint)
        self.problem = text
        raise Unavailable(text) from problem

    def _well(self) -> None:
        if self.problem:
            log.warning("The storage answers again.")
        self.problem = None

    # ── Signing and talking, loaded with the first call ─────────────────────────────────────

    def _url(self, name: str, query: Mapping[str, str]) -> str:
        bucket = self._bucket
        path = quote(f"/{bucket.name}/{bucket.prefix}{name}" if name else f"/{bucket.name}")
        asked = "&".join(f"{key}={quote(query[key], safe='-_.~')}" for key in sorted(query))
        return f"{bucket.endpoint}{path}{'?' if asked else ''}{asked}"

    def _signed(
        self, method: str, url: str, headers: dict[str, str], checksum: str | None
    ) -> dict[str, str]:
        from botocore.awsrequest import AWSRequest

        request = AWSRequest(method, url, headers)
        request.context["checksum_of_body"] = checksum
        self._signer.add_auth(request)
        return dict(request.headers.items())

    @cached_property
    def _signer(self) -> Any:
        from botocore.auth import S3SigV4Auth
        from botocore.credentials import Credentials

        class Signer(S3SigV4Auth):
            """With the checksum of a body that was read already."""

            def payload(self, request: Any) -> str:
                known: str | None = request.context["checksum_of_body"]
                return known or super().payload(request)

        bucket = self._bucket
        return Signer(Credentials(bucket.key_id, bucket.secret), "s3", bucket.region)

    @cached_property
    def _pool(self) -> Any:
        from urllib3 import PoolManager

        return PoolManager(maxsize=MOST_WAITING)

    def _patience(self, *, has_body: bool) -> dict[str, Any]:
        """What was only asked is asked again when the host was busy; timeouts are not repeated."""
        from urllib3 import Retry, Timeout

        if has_body:
            return {"retries": False, "timeout": Timeout(connect=SEND_SECONDS, read=KEPT_SECONDS)}
        retries = Retry(
            connect=0, read=0, other=0, redirect=0, status=2, status_forcelist=BUSY, backoff_factor=0.2,
            allowed_methods=None, raise_on_status=False, respect_retry_after_header=False,
        )  # fmt: skip
        return {"retries": retries, "timeout": Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)}
