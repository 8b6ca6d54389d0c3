"""Which characters make words, and which scripts write words without spaces between them.

Character classes for regular expressions, over text that was normalised (see tokens.py). Python's
own `\\w` is not enough: it leaves out the marks that Thai, Hindi or Arabic words are written with.
"""

import re

# Written without spaces, or, as pictures, one word each: cut into two-character tokens.
UNSPACED = (
    "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # Kana
    "\u3105-\u312f\u31a0-\u31bf"  # Bopomofo
    "\u0e01-\u0e3a\u0e40-\u0e4e"  # Thai
    "\u0e81-\u0ece\u0edc-\u0edf"  # Lao
    "\u1780-\u17d3\u17d7\u17dc\u17dd"  # Khmer
    "\u1000-\u103f\u1050-\u109f\uaa60-\uaa7f"  # Burmese
    "\u2600-\u27bf\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff"  # Emoji
)

# Vowel signs, tones and accents that stand in the middle of other words.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    "\u0900-\u0963\u0966-\u0dff\u0f18\u0f19\u0f35\u0f37\u0f39\u0f3e\u0f3f\u0f71-\u0f84"
    "\u0f86\u0f87\u0f8d-\u0fbc\u1a17-\u1a1b\u1b00-\u1b44\u20d0-\u20f0"
)

# A single one of these between two words makes them one compound: ORD-0012345, a@example.com.
CONNECTORS = "-_.,/@:+#'&’‐‒–—−"

# Invisible: Thai and Khmer texts carry zero-width spaces, emoji carry selectors, copies carry both.
IGNORED = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff"

_LETTER = rf"[^\W_{UNSPACED}]"
WORD = rf"{_LETTER}+(?:[{_MARKS}]+{_LETTER}*)*"
LETTER_OR_MARK = rf"(?:{_LETTER}|[{_MARKS}])"

SEGMENT = re.compile(rf"([{UNSPACED}]+)|({WORD}(?:[{CONNECTORS}]{WORD})*)")
CONNECTOR = re.compile(rf"[{CONNECTORS}]")
INVISIBLE = re.compile(rf"[{IGNORED}]+")
