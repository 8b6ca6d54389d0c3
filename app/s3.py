"""The S3-compatible bucket that STORAGE_URL names."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

REGION = "us-east-1"
_bucket_name = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# Signs that stand in a path as they are, so that a signature has one form only.
_prefix = re.compile(r"([\w-][\w.-]*/)*", re.ASCII)


@dataclass(frozen=True)
class Bucket:
    """`prefix` is what every name in it begins with: empty, or with a slash at its end."""

    endpoint: str
    region: str
    name: str
    prefix: str
    key_id: str
    secret: str = field(repr=False)


def from_settings(
    url: str | None, endpoint: str | None, region: str | None, key_id: str | None, secret: str | None
) -> Bucket | None:
    """None without a URL. Raise ValueError with a sentence that says what to do."""
    if not url:
        return None
    parts = urlsplit(url)
    prefix = f"{unquote(parts.path).strip('/')}/".lstrip("/")
    is_bucket = parts.scheme == "s3" and _bucket_name.fullmatch(parts.netloc)
    if not is_bucket or parts.query or parts.fragment or not _prefix.fullmatch(prefix):
        raise ValueError(
            "STORAGE_URL must look like s3://bucket or s3://bucket/prefix,"
            " the prefix of ASCII letters, digits and . _ - / alone."
        )
    if not key_id or not secret:
        raise ValueError("STORAGE_URL needs S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY.")
    region = region or REGION
    where = endpoint or f"https://s3.{region}.amazonaws.com"
    return Bucket(_address(where), region, parts.netloc, prefix, key_id, secret)


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or "@" in parts.netloc or parts.path.strip("/") or parts.query:
        raise ValueError(
            "S3_ENDPOINT_URL must be an address like https://s3.example.com, without the bucket."
        )
    return f"{parts.scheme}://{parts.netloc}"
