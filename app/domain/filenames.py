"""Names of files, which strangers choose: made safe to show, to save and to send in a header (T7).

A name is only ever shown and offered; nothing is kept or found under it.
"""

import re
import unicodedata

LONGEST = 120
# Zero-width characters and direction marks hide what a name ends with: gnp.exe and exe.png.
_HIDDEN = frozenset("Cc Cf Cs Co Cn Zl Zp".split())
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
# Names that Windows keeps for its devices, with any ending.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


def clean(name: str) -> str:
    """The last part of a name, without what can't be seen; empty when nothing is left."""
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(one for one in last if unicodedata.category(one) not in _HIDDEN)
    kept = " ".join(_FORBIDDEN.sub("_", seen).split()).strip(". ")
    if _DEVICES.fullmatch(kept):
        kept = f"_{kept}"
    return _shortened(kept)


def _shortened(name: str) -> str:
    """At most LONGEST characters, and still with its ending."""
    if len(name) <= LONGEST:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 10:
        return name[:LONGEST]
    return f"{stem[: LONGEST - len(ending) - 1]}.{ending}"
