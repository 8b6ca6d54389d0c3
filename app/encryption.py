"""Encryption of secrets at rest, with keys derived from SECRET_KEY.

The first key encrypts, every key decrypts, so a key can be rotated by putting a new one in front;
`app/rotation.py` then encrypts anew what older keys made.
"""

import base64
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PROVEN = b"mado"
_CREDENTIALS, _MARKS = b"mado credentials v1", b"mado marks v1"

_box: MultiFernet | None = None
_newest: Fernet | None = None
_marking: bytes | None = None


def use(secret_keys: list[str]) -> None:
    """Take these secret keys (any length, newest first) for the life of the process."""
    global _box, _newest, _marking
    boxes = [Fernet(_derive(key)) for key in secret_keys]
    _box, _newest = MultiFernet(boxes), boxes[0]
    _marking = _derive(secret_keys[0], _MARKS)


def proofs(secret_keys: Sequence[str]) -> list[str]:
    """For each key something that `opens` tells it by, and that gives nothing away."""
    return [Fernet(_derive(key)).encrypt(_PROVEN).decode() for key in secret_keys]


def opens(proof: str) -> bool:
    """Whether one of our keys made this proof."""
    try:
        return decrypt(proof).encode() == _PROVEN
    except InvalidToken:
        return False


def encrypt(text: str) -> str:
    return _ready().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Raise cryptography.fernet.InvalidToken when no key of ours fits."""
    return _ready().decrypt(token.encode()).decode()


def is_newest(token: str) -> bool:
    """Whether the newest key made this, so that no older one is needed to read it."""
    if _newest is None:
        raise RuntimeError("encryption.use() has not been called")
    try:
        _newest.decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def mark(text: str) -> str:
    """64 characters by which it is found again while the newest key stays, and not to be guessed without."""
    if _marking is None:
        raise RuntimeError("encryption.use() has not been called")
    return hmac.digest(_marking, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def _ready() -> MultiFernet:
    if _box is None:
        raise RuntimeError("encryption.use() has not been called")
    return _box


def _derive(secret_key: str, purpose: bytes = _CREDENTIALS) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose)
    return base64.urlsafe_b64encode(kdf.derive(secret_key.encode()))
