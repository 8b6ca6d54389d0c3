"""What may stand as an agent's or a group's name, email address, role and access level.

Each function returns the clean value or raises Refused with what to type instead.
"""

import re
import unicodedata

from app.domain.agents import Refused, normal_email
from app.models import ACCESS_LEVELS, ROLES

LONGEST_NAME = 80
LONGEST_EMAIL = 254
# Not what the RFCs allow but what people have: something, one @, a host name.
_EMAIL = re.compile(r"[^\s@<>\"',;:()\[\]\\]{1,64}@[^\s@<>\"',;:()\[\]\\]+")
# Zero-width characters and direction marks could make one name look like another (T42).
_INVISIBLE = frozenset("\u200b\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def name(text: str) -> str:
    """A name on one line, 1 to 80 characters that can be seen."""
    cleaned = one_line(text)
    if not cleaned:
        raise Refused("Type a name.")
    if len(cleaned) > LONGEST_NAME:
        raise Refused(f"Use {LONGEST_NAME} characters or fewer.")
    return cleaned


def one_line(text: str) -> str:
    """What can be seen of it, on one line."""
    seen = "".join(
        " " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one
        for one in text
        if one not in _INVISIBLE and unicodedata.category(one) != "Cs"
    )
    return " ".join(seen.split())


def email(text: str) -> str:
    """An email address, in lower case."""
    address = normal_email(text)
    if not address:
        raise Refused("Type an email address.")
    if len(address) > LONGEST_EMAIL or not address.isprintable() or not _EMAIL.fullmatch(address):
        raise Refused("Type an email address like name@example.com.")
    return address


def role(text: str) -> str:
    if text not in ROLES:
        raise Refused("Choose a role: agent or admin.")
    return text


def access(text: str) -> str:
    if text not in ACCESS_LEVELS:
        raise Refused("Choose what they see: everything, their own groups, or only what is theirs.")
    return text
