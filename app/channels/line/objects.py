"""Files as LINE's message objects, and why LINE would not take a message.

LINE shows JPEG and PNG up to 10 MB, MP4 with a picture, MP3 and M4A; it has no file type, so
everything else goes as a card that opens our address (LINE.md 2.7). The card has no words of our
own: its reader's language is not known here.
"""

from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from jinja2.filters import do_filesizeformat

from app.channels.base import Content, OutgoingFile
from app.channels.line.text import LIMIT_UNITS, MOST_PARTS, split, units

LARGEST_IMAGE = 10_000_000
LARGEST_MEDIUM = 200_000_000
# LINE wants a length and shows it; where nobody could measure it, it is this.
UNKNOWN_MILLISECONDS = 60_000
IMAGES = ("image/jpeg", "image/png")
SOUNDS = ("audio/mpeg", "audio/mp4", "audio/x-m4a")
LONGEST_LABEL = 40
LONGEST_ALTERNATIVE = 400
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Object = dict[str, Any]


def all_of(content: Content) -> list[Object]:
    """One reply as LINE's message objects: the parts of its text, then its files."""
    texts = split(content.text) if content.text or not content.files else []
    said: list[Object] = [{"type": "text", "text": part} for part in texts]
    if content.quote_token and said:  # only texts and stickers can quote (LINE.md 2.7)
        said[0]["quoteToken"] = content.quote_token
    return said + [of(file) for file in content.files]


def problem_with(content: Content) -> str:
    """Why LINE would refuse this message, in a sentence that says what to do; empty when it won't.

    LINE takes all objects of a call or none, and no more than five.
    """
    length, most = units(content.text), LIMIT_UNITS * MOST_PARTS
    if length > most:
        return (
            f"This is {length} characters long; LINE takes {most} at once. Shorten it, or send it"
            " in parts."
        )
    if not all(_is_fetchable(file.url) for file in content.files):
        return (
            "LINE fetches files from an https address only, and Mado's own address is not one."
            " An admin can set PUBLIC_URL to https."
        )
    texts, files = len(split(content.text)) if content.text else 0, len(content.files)
    if texts + files <= MOST_PARTS:
        return ""
    if not files:
        return (
            f"This would become {texts} LINE messages; LINE takes {MOST_PARTS} at once. Send it in"
            " parts."
        )
    return (
        f"LINE takes {MOST_PARTS} things in one message; this has {files} files and {texts}"
        " parts of text. Remove some, and send them afterwards."
    )


def of(file: OutgoingFile) -> Object:
    """The file as LINE shows it best."""
    if file.kind == "image" and _is_picture(file):
        return {
            "type": "image",
            "originalContentUrl": file.url,
            "previewImageUrl": file.preview_url,
        }
    if file.kind == "video" and _is_video(file):
        return {
            "type": "video",
            "originalContentUrl": file.url,
            "previewImageUrl": file.preview_url,
        }
    if file.kind == "audio" and file.content_type in SOUNDS and file.size <= LARGEST_MEDIUM:
        duration = file.duration_ms or UNKNOWN_MILLISECONDS
        return {"type": "audio", "originalContentUrl": file.url, "duration": duration}
    return _card(file)


def _is_picture(file: OutgoingFile) -> bool:
    return bool(file.preview_url) and file.content_type in IMAGES and file.size <= LARGEST_IMAGE


def _is_video(file: OutgoingFile) -> bool:
    fits = file.content_type == "video/mp4" and file.size <= LARGEST_MEDIUM
    return bool(file.preview_url) and fits


def _card(file: OutgoingFile) -> Object:
    """A bubble that opens the file wherever one touches it."""
    size, host = do_filesizeformat(file.size), urlsplit(file.url).hostname or ""
    said = [
        {"type": "text", "text": file.filename, "weight": "bold", "wrap": True},
        {"type": "text", "text": size, "size": "sm", "color": "#667085"},
        {"type": "text", "text": host, "size": "sm", "color": "#2F6FDE"},
    ]
    action = {"type": "uri", "label": file.filename[:LONGEST_LABEL], "uri": file.url}
    body = {"type": "box", "layout": "vertical", "spacing": "sm", "contents": said}
    bubble = {"type": "bubble", "size": "kilo", "body": body, "action": action}
    alternative = f"{file.filename[: LONGEST_ALTERNATIVE - 20]} ({size})"
    return {"type": "flex", "altText": alternative, "contents": bubble}


def _is_fetchable(url: str) -> bool:
    """LINE's apps take https; a LINE played on this machine reaches this machine."""
    is_played = urlsplit(current_app.extensions["mado"].line_api_url).hostname in LOOPBACK
    return url.startswith("https://") or (is_played and urlsplit(url).hostname in LOOPBACK)
