"""A bucket to test with: a small S3 on loopback that checks every signature, and can be sick.

What it answers is what AWS documents (Signature Version 4, and the five calls that Mado makes).
"""

import hmac
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from app.s3 import Bucket

NAME, REGION, KEY_ID, SECRET = "files", "eu-test-1", "the-key-id", "a-secret/of+the=bucket"
PREFIX = "of/mado/"
PIECE = 64 * 1024
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=(\w{64})")


class Service:
    """The service with its one bucket. `sickness` is a status, "hangs", "cuts" or nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sickness: int | str | None = None
        self.calls: list[str] = []
        self.page = 1000
        self.well = threading.Event()
        handler = type("Handler", (_Handler,), {"service": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def settings(self, **changes: str) -> Bucket:
        """How Mado is told of it."""
        told = {"endpoint": self.url, "region": REGION, "name": NAME, "prefix": PREFIX}
        return Bucket(**told | {"key_id": KEY_ID, "secret": SECRET} | changes)

    def names(self) -> list[str]:
        return sorted(unquote(path.name) for path in self.folder.iterdir())

    @contextmanager
    def sick(self, sickness: int | str) -> Iterator[None]:
        self.sickness = sickness
        self.well.clear()
        yield
        self.heal()

    def heal(self) -> None:
        self.sickness = None
        self.well.set()

    def stop(self) -> None:
        self.heal()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    service: Service
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._take(self._head)

    def do_GET(self) -> None:
        self._take(self._get)

    def do_PUT(self) -> None:
        self._take(self._put)

    def do_DELETE(self) -> None:
        self._take(self._delete)

    def _take(self, do: object) -> None:
        parts = urlsplit(self.path)
        bucket, _, self.key = unquote(parts.path).removeprefix("/").partition("/")
        self.service.calls.append(f"{self.command} {self.key}")
        if self.service.sickness == "hangs":
            self.service.well.wait(30)
            self.close_connection = True
        elif isinstance(self.service.sickness, int):
            self._tell(self.service.sickness)
        elif not self._is_signed():
            self._tell(403)
        elif bucket != NAME:
            self._tell(404)
        else:
            do()  # type: ignore[operator]

    # ── The calls ───────────────────────────────────────────────────────────────────────────

    def _head(self) -> None:
        if not self.key:
            self._tell(200)
        elif not self._path.is_file():
            self._tell(404)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(self._path.stat().st_size))
            self.end_headers()

    def _get(self) -> None:
        if not self.key:
            self._list()
        elif not self._path.is_file():
            self._tell(404)
        else:
            self._give()

    def _give(self) -> None:
        size, start = self._path.stat().st_size, int(self.headers["Range"][6:-1])
        self.send_response(206)
        self.send_header("Content-Length", str(size - start))
        self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.end_headers()
        with self._path.open("rb") as file:
            file.seek(start)
            if self.service.sickness == "cuts":
                self.wfile.write(file.read((size - start) // 2))
                self.close_connection = True
                return
            while piece := file.read(PIECE):
                self.wfile.write(piece)

    def _put(self) -> None:
        """There with its last byte, if they are those that were signed."""
        left, found = int(self.headers["Content-Length"]), sha256()
        making = self.service.folder.with_name(f"making-{id(self)}")
        with making.open("wb") as file:
            while left and (piece := self.rfile.read(min(PIECE, left))):
                found.update(piece)
                left -= file.write(piece)
        if left or found.hexdigest() != self.headers["X-Amz-Content-SHA256"]:
            making.unlink()
            self._tell(400)
            return
        making.replace(self._path)
        self._tell(200)

    def _delete(self) -> None:
        self._path.unlink(missing_ok=True)
        self._tell(204)

    def _list(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        after = asked.get("continuation-token", "")
        names = [name for name in self.service.names() if name.startswith(asked["prefix"]) and name > after]
        some = names[: self.service.page]
        more = f"<NextContinuationToken>{escape(some[-1])}</NextContinuationToken>" if names[len(some) :] else ""
        contents = "".join(map(self._entry, some))
        space = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
        self._tell(200, f"<ListBucketResult {space}>{contents}{more}</ListBucketResult>".encode())

    def _entry(self, name: str) -> str:
        status = (self.service.folder / name.replace("/", "%2F")).stat()
        moment = datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="milliseconds")
        return (
            f"<Contents><Key>{escape(name)}</Key><Size>{status.st_size}</Size>"
            f"<LastModified>{moment.replace('+00:00', 'Z')}</LastModified></Contents>"
        )

    @property
    def _path(self) -> Path:
        return self.service.folder / self.key.replace("/", "%2F")

    def _tell(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        if int(self.headers.get("Content-Length", 0)) and status != 200:
            self.close_connection = True  # what it did not read must not be the next call
        self.end_headers()
        self.wfile.write(body)

    # ── Signatures ──────────────────────────────────────────────────────────────────────────

    def _is_signed(self) -> bool:
        """AWS Signature Version 4, as its documentation puts it together."""
        found = AUTHORIZATION.fullmatch(self.headers.get("Authorization", ""))
        if not found:
            return False
        credential, signed, signature = found.groups()
        key_id, day, *rest = credential.split("/")
        if key_id != KEY_ID or rest != [REGION, "s3", "aws4_request"] or "host" not in signed.split(";"):
            return False
        parts = urlsplit(self.path)
        headers = "".join(f"{name}:{self.headers[name].strip()}\n" for name in signed.split(";"))
        query = "&".join(sorted(parts.query.split("&")))
        payload = self.headers["X-Amz-Content-SHA256"]
        request = "\n".join([self.command, parts.path, query, headers, signed, payload])
        scope = "/".join([day, *rest])
        moment = self.headers["X-Amz-Date"]
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        key = f"AWS4{SECRET}".encode()
        for part in [day, *rest]:
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(hmac.new(key, text.encode(), "sha256").hexdigest(), signature)
