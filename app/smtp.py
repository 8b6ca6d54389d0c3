"""The mail server that SMTP_URL names, and who MAIL_FROM says mails are from."""

from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

PORTS = {"smtp": 587, "smtps": 465}
# The value itself is never shown: it holds a password.
LOOKS_LIKE = (
    "SMTP_URL must look like smtp://user:password@host:587 or smtps://user:password@host:465."
    " Signs like @ : / # in user or password are written as %40 %3A %2F %23."
)


@dataclass(frozen=True)
class Smtp:
    """`is_tls`: encrypted from the first byte; else as soon as the server offers it."""

    host: str
    port: int
    is_tls: bool
    user: str
    password: str = field(repr=False)
    sender_name: str
    sender_email: str

    @property
    def sender(self) -> Address:
        return Address(self.sender_name, addr_spec=self.sender_email)


def from_settings(url: str | None, sender: str | None) -> Smtp | None:
    """None without a URL. Raise ValueError with a sentence that says what to do."""
    if not url:
        if sender:
            raise ValueError("MAIL_FROM is set, but SMTP_URL is not: no email could be sent.")
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError) as problem:
        raise ValueError(LOOKS_LIKE) from problem
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(LOOKS_LIKE)
    if bool(parts.username) != bool(parts.password):
        raise ValueError("SMTP_URL needs both a user and a password, or neither.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    is_tls = parts.scheme == "smtps"
    return Smtp(parts.hostname, port, is_tls, user, password, *_sender(sender))


def _sender(value: str | None) -> tuple[str, str]:
    """Name and address."""
    name, spec = parseaddr(value or "")
    try:
        found = Address(name, addr_spec=spec) if (value or "").isprintable() and spec.isascii() else None
    except (ValueError, IndexError, HeaderParseError):
        found = None
    if found is None or not (found.username and found.domain):
        raise ValueError("MAIL_FROM must be an address like help@example.com when SMTP_URL is set.")
    return name, spec
