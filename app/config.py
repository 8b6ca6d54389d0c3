"""Every setting, with its default and one line of meaning. The README's table is tested against it.

Settings come from the environment and nowhere else. A wrong value stops the start with a sentence.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from app import s3, smtp
from app.s3 import Bucket
from app.smtp import Smtp

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
SHORTEST_SECRET_KEY = 32
# Waiting for a free connection ends within LINE's two seconds, and leaves time to say so. Whole seconds only.
POOL_SECONDS = 1
# Waiting for a lock ends within LINE's two seconds. A process that froze, or whose machine is gone,
# holds its own no longer than half a minute; without that it is two hours until TCP notices.
# A page of cases joins seven tables to one, each by its own key: trying every order of them took 5 ms, which
# is ten times as long as reading. And nothing of ours runs so long that compiling it first would pay.
POSTGRESQL_OPTIONS = (
    "-c lock_timeout=1500 -c idle_in_transaction_session_timeout=30000 -c join_collapse_limit=4 -c jit=off"
)
SHORTEST_TOKEN = 16


class ConfigError(Exception):
    """A setting that cannot be right. Its text says what to do."""


@dataclass(frozen=True)
class Setting:
    """One environment variable: its name, its default as README shows it, its meaning."""

    name: str
    default: str
    meaning: str


SETTINGS = (
    Setting("SECRET_KEY", "made and kept in DATA_DIR", "Signs cookies and encrypts credentials; 32 characters or more. Several keys, newest first, may be separated by commas. Required with PostgreSQL."),
    Setting("DATA_DIR", "./instance", "Where the SQLite database, the made secret key, files of messages and pictures are kept."),
    Setting("STORAGE_URL", "files in DATA_DIR", "`s3://bucket/prefix`: files of messages and pictures are kept in this S3-compatible bucket instead."),
    Setting("S3_ENDPOINT_URL", "AWS, in S3_REGION", "The address of the service that has the bucket, like `https://s3.example.com`."),
    Setting("S3_REGION", "us-east-1", "The bucket's region."),
    Setting("S3_ACCESS_KEY_ID", "none", "Who asks for the bucket; needed with STORAGE_URL."),
    Setting("S3_SECRET_ACCESS_KEY", "none", "The secret of S3_ACCESS_KEY_ID."),
    Setting("DATABASE_URL", "SQLite in DATA_DIR", "`postgresql://user:password@host/name` for more than one process."),
    Setting("REDIS_URL", "none", "`redis://host:6379/0`, the wake-up bus between processes; without it they look every second."),
    Setting("PUBLIC_URL", "http://HOST:PORT", "The address people and LINE reach Mado at; https in production."),
    Setting("HOST", "127.0.0.1", "The address to listen on."),
    Setting("PORT", "8000", "The port to listen on."),
    Setting("LINE_API_URL", "https://api.line.me", "LINE's API host; the simulator's in `make run`."),
    Setting("LINE_DATA_API_URL", "https://api-data.line.me", "LINE's content host."),
    Setting("TRUSTED_PROXIES", "0", "How many proxies in front of Mado set X-Forwarded-For and -Proto."),
    Setting("ALLOW_PRIVATE_HOSTS", "none", "Hosts, separated by commas, that outgoing requests may reach although their address is private."),
    Setting("SMTP_URL", "none", "`smtp://user:password@host:587` (encrypted as soon as the server offers it) or `smtps://...:465`: how notifications, invitations and links for a new password go out by email; without it the first are shown in Mado only, and an admin makes and hands on the others."),
    Setting("MAIL_FROM", "none", "The sender of emails, like `help@example.com` or `Mado <help@example.com>`; needed with SMTP_URL."),
    Setting("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
    Setting("LOG_FORMAT", "plain", "`plain`, or `json`: one object a line, with a line for every request."),
    Setting("METRICS_TOKEN", "none", "Who brings it as `Authorization: Bearer ...` may read `/metrics`; 16 characters or more. Without it only this machine may."),
)


@dataclass(frozen=True)
class Config:
    """The settings of one process, checked."""

    secret_keys: tuple[str, ...]
    data_dir: Path
    database_url: str
    redis_url: str | None
    public_url: str
    host: str
    port: int
    line_api_url: str
    line_data_api_url: str
    trusted_proxies: int
    allow_private_hosts: frozenset[str]
    log_level: str
    log_format: str = "plain"
    metrics_token: str | None = None
    smtp: Smtp | None = None
    bucket: Bucket | None = None
    is_testing: bool = field(default=False)

    @property
    def is_sqlite(self) -> bool:
        return make_url(self.database_url).get_backend_name() == "sqlite"

    @property
    def engine_options(self) -> dict[str, object]:
        """How SQLAlchemy opens this database; nothing waits longer than LINE does (2 s).

        What customers wrote, and hashes of passwords, stay out of tracebacks and so out of the log.
        """
        if self.is_sqlite:
            from app.extensions import BUSY_SECONDS, SerialConnection, TwoLanes

            arguments = {"factory": SerialConnection, "check_same_thread": False}
            arguments["timeout"] = BUSY_SECONDS
            return {
                "connect_args": arguments,
                "hide_parameters": True,
                "poolclass": TwoLanes,
                "pool_size": 5,
                "max_overflow": 10,
                "pool_timeout": POOL_SECONDS,
            }
        return {
            "hide_parameters": True,
            "pool_size": 16,
            "pool_use_lifo": True,
            "max_overflow": 8,
            "pool_timeout": POOL_SECONDS,
            "connect_args": {"connect_timeout": 2, "options": POSTGRESQL_OPTIONS},
        }

    @property
    def used_key_file(self) -> Path | None:
        """The file that holds the one key in use; None when the environment gives it."""
        path = key_file(self.data_dir)
        is_used = path.is_file() and (path.read_text().strip(),) == self.secret_keys
        return path if is_used else None

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine can reach us: what demo data asks before it is made."""
        return self.host in LOOPBACK_HOSTS and urlsplit(self.public_url).hostname in LOOPBACK_HOSTS

    @property
    def valid_origins(self) -> frozenset[str]:
        """Origins that forms and sockets may come from."""
        public = urlsplit(self.public_url)
        if public.hostname not in LOOPBACK_HOSTS:
            return frozenset({f"{public.scheme}://{public.netloc}".lower()})
        names = ("localhost", "127.0.0.1", "[::1]")
        port = f":{public.port}" if public.port else ""
        return frozenset(f"{public.scheme}://{name}{port}" for name in names)

    @property
    def valid_hosts(self) -> frozenset[str]:
        """Values of the Host header that we answer to."""
        return frozenset(urlsplit(origin).netloc for origin in self.valid_origins)


def from_environment(environ: Mapping[str, str] | None = None) -> Config:
    """Read and check the environment. Raise ConfigError with a sentence that says what to do."""
    env = os.environ if environ is None else environ
    data_dir = Path(env.get("DATA_DIR") or "instance").resolve()
    host = env.get("HOST") or "127.0.0.1"
    port = _whole_number(env, "PORT", 8000, highest=65535)
    database_url = _database_url(env.get("DATABASE_URL"), data_dir)
    is_sqlite = database_url.startswith("sqlite")
    level = (env.get("LOG_LEVEL") or "INFO").upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ConfigError("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    log_format = (env.get("LOG_FORMAT") or "plain").lower()
    if log_format not in ("plain", "json"):
        raise ConfigError("LOG_FORMAT must be plain or json.")
    return Config(
        secret_keys=_secret_keys(env.get("SECRET_KEY"), data_dir, may_make=is_sqlite),
        data_dir=data_dir,
        database_url=database_url,
        redis_url=env.get("REDIS_URL") or None,
        public_url=_public_url(env.get("PUBLIC_URL"), host, port),
        host=host,
        port=port,
        line_api_url=(env.get("LINE_API_URL") or "https://api.line.me").rstrip("/"),
        line_data_api_url=(env.get("LINE_DATA_API_URL") or "https://api-data.line.me").rstrip("/"),
        trusted_proxies=_whole_number(env, "TRUSTED_PROXIES", 0, highest=10),
        allow_private_hosts=_hosts(env.get("ALLOW_PRIVATE_HOSTS")),
        log_level=level,
        log_format=log_format,
        metrics_token=_metrics_token(env.get("METRICS_TOKEN")),
        smtp=_smtp(env.get("SMTP_URL"), env.get("MAIL_FROM")),
        bucket=_bucket(env),
    )


def _metrics_token(value: str | None) -> str | None:
    if value and (len(value) < SHORTEST_TOKEN or not value.isascii() or " " in value):
        raise ConfigError(
            f"METRICS_TOKEN must have {SHORTEST_TOKEN} ASCII characters or more, without spaces."
            ' Make one: python -c "import secrets; print(secrets.token_urlsafe(24))"'
        )
    return value or None


def _hosts(value: str | None) -> frozenset[str]:
    return frozenset(host.strip().lower() for host in (value or "").split(",") if host.strip())


def _whole_number(env: Mapping[str, str], name: str, default: int, *, highest: int) -> int:
    value = env.get(name) or str(default)
    if not value.isascii() or not value.isdigit() or int(value) > highest:
        raise ConfigError(f"{name} must be a whole number from 0 to {highest}, not {value!r}.")
    return int(value)


def _smtp(url: str | None, sender: str | None) -> Smtp | None:
    try:
        return smtp.from_settings(url, sender)
    except ValueError as problem:
        raise ConfigError(str(problem)) from problem


def _bucket(env: Mapping[str, str]) -> Bucket | None:
    url, endpoint, region = env.get("STORAGE_URL"), env.get("S3_ENDPOINT_URL"), env.get("S3_REGION")
    key_id, secret = env.get("S3_ACCESS_KEY_ID"), env.get("S3_SECRET_ACCESS_KEY")
    try:
        return s3.from_settings(url, endpoint, region, key_id, secret)
    except ValueError as problem:
        raise ConfigError(str(problem)) from problem


def _public_url(value: str | None, host: str, port: int) -> str:
    if not value:
        shown = f"[{host}]" if ":" in host else host
        return f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else shown}:{port}"  # noqa: S104 - only compared  # nosec
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise ConfigError(
            "PUBLIC_URL must be an address like https://help.example.com, without a path."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _database_url(value: str | None, data_dir: Path) -> str:
    if not value:
        return f"sqlite:///{data_dir / 'mado.sqlite3'}"
    if value.startswith("sqlite:"):
        return value
    scheme, separator, rest = value.partition("://")
    if not separator or scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise ConfigError("DATABASE_URL must start with postgresql:// or sqlite:///.")
    return f"postgresql+psycopg://{rest}"


def _secret_keys(value: str | None, data_dir: Path, *, may_make: bool) -> tuple[str, ...]:
    if value:
        keys = tuple(key.strip() for key in value.split(",") if key.strip())
        if not keys or min(map(len, keys)) < SHORTEST_SECRET_KEY:
            raise ConfigError(
                "SECRET_KEY must have 32 characters or more."
                ' Make one: python -c "import secrets; print(secrets.token_urlsafe(48))"'
            )
        return keys
    if not may_make:
        raise ConfigError(
            "SECRET_KEY is not set. With PostgreSQL every process needs the same one."
            ' Make one: python -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    return (_kept_key(key_file(data_dir)),)


def key_file(data_dir: Path) -> Path:
    """Where the key is kept that the environment does not give."""
    return data_dir / "secret-key"


def _kept_key(path: Path) -> str:
    """The key in the file, made with mode 0600 when there is none; racing processes get one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    if not path.exists():
        with os.fdopen(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(made, path)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    key = path.read_text().strip()
    if len(key) < SHORTEST_SECRET_KEY:
        raise ConfigError(f"{path} holds no usable key. Delete it to have a new one made.")
    return key
