"""Characters as people read them: full width and half width, composed and decomposed alike.

Python puts a run of combining marks in order in time that grows with its square: a message of
nothing else kept everybody waiting for a tenth of a second, each time it was looked at (F23, T28).
"""

import re
import unicodedata

PIECE = 64
# Characters that never melt into the one before them, so that a text may be cut there.
_BEGINNING = re.compile(
    r"[\s!-~\u00c0-\u02af\u0370-\u0482\u0e01-\u0e30\u3041-\u3096\u30a1-\u30fa\u3400-\u9fff"
    r"\uac00-\ud7a3\uff01-\uff9d]"
)


def storable(text: str) -> str:
    """NUL and lone surrogates become U+FFFD: no database and no chat app takes them."""
    if text.isascii() and "\0" not in text:
        return text
    text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def units(text: str) -> int:
    """The length as LINE, browsers and JSON count it, in UTF-16: beyond the BMP each is two."""
    return len(text) + sum(character > "\uffff" for character in text)


def compatible(text: str) -> str:
    """The text in NFKC; where more marks follow each other than any script has, nearly."""
    if len(text) <= PIECE or text.isascii():
        return unicodedata.normalize("NFKC", text)
    pieces, place = [], 0
    while place < len(text):
        end = place + PIECE
        found = _BEGINNING.search(text, end, end + PIECE)
        end = found.start() if found else end + PIECE
        pieces.append(unicodedata.normalize("NFKC", text[place:end]))
        place = end
    return "".join(pieces)
