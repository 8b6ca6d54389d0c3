"""Pictures drawn on the spot: faces, groups, the account's window, photos that customers send.

Everything is drawn from a seed with Pillow, so that nothing of anybody's artwork is needed.
Pillow is imported only when a picture is asked for.
"""

import colorsys
import functools
import io
import random
import wave
from collections.abc import Iterator
from typing import TYPE_CHECKING

from linesim.state import Message

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

KINDS = {"image", "video", "audio", "file"}
FACE = 240
# Chosen so that the opening cast looks like their names.
CASTING = "5/"
ZEROS = bytes(256 * 1024)
# The beginning of an MPEG-4 film, and nothing to see after it.
FILM = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08free"
FILE_TEXT = "Receipt 20417\nThank you for shopping with us.\n"

Colour = tuple[int, int, int]


def content_of(message: Message) -> tuple[bytes, str]:
    """The bytes of a customer's media message and their type."""
    if message.content is not None:
        return message.content, message.content_type or "application/octet-stream"
    match message.kind:
        case "image":
            return scene(message.id), "image/png"
        case "audio":
            return _silence(), "audio/wav"
        case "file":
            return FILE_TEXT.encode(), "text/plain"
        case _:
            return FILM, "video/mp4"


def padding_of(message: Message, size: int) -> Iterator[bytes]:
    """What makes a large file of a small one: zeros, which decoders don't look at, from one buffer."""
    missing = max(0, message.least_size - size)
    for _ in range(missing // len(ZEROS)):
        yield ZEROS
    yield ZEROS[: missing % len(ZEROS)]


@functools.lru_cache(maxsize=256)
def portrait(seed: str) -> bytes:
    """A face, for people; several heads, for groups (C...) and rooms (R...)."""
    from PIL import Image, ImageDraw

    chance = random.Random(CASTING + seed)
    image = Image.new("RGB", (FACE, FACE), _colour(chance.random(), 0.30, 0.93))
    draw = ImageDraw.Draw(image)
    if seed.startswith("U"):
        _head(draw, chance, at=(120, 104), size=1.0)
    else:
        for x, y in ((62, 100), (178, 100), (120, 142)):
            _head(draw, chance, at=(x, y), size=0.62)
    return _png(image, (FACE // 2, FACE // 2))


@functools.lru_cache(maxsize=4)
def window(seed: str) -> bytes:
    """The account's picture: a window at evening, for Mado means window."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (FACE, FACE), (47, 106, 79))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((52, 44, 188, 196), 18, fill=(255, 244, 214))
    draw.rectangle((114, 44, 126, 196), fill=(47, 106, 79))
    draw.rectangle((52, 112, 188, 124), fill=(47, 106, 79))
    return _png(image, (FACE // 2, FACE // 2))


@functools.lru_cache(maxsize=32)
def scene(seed: str, *, size: tuple[int, int] = (800, 600)) -> bytes:
    """A landscape: what customers photograph here."""
    from PIL import Image, ImageDraw

    chance = random.Random(seed)
    hue = chance.random()
    image = Image.new("RGB", (800, 600), _colour(hue, 0.25, 0.97))
    draw = ImageDraw.Draw(image)
    x = chance.randint(120, 680)
    draw.ellipse((x - 60, 90, x + 60, 210), fill=_colour(chance.uniform(0.05, 0.14), 0.45, 1.0))
    for depth in range(3):
        _hills(draw, chance, top=280 + depth * 90, fill=_colour(hue + 0.08 * depth, 0.35 + 0.1 * depth, 0.75 - 0.15 * depth))
    return _png(image, size)


@functools.lru_cache(maxsize=8)
def sticker(seed: str) -> bytes:
    """A round fellow who waves: the simulator's only sticker, in a colour of its id."""
    from PIL import Image, ImageDraw

    hue = random.Random(seed).random()
    image = Image.new("RGBA", (2 * FACE, 2 * FACE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    skin, dark = _colour(hue, 0.45, 0.98), (60, 50, 60)
    draw.line((400, 250, 446, 130), fill=skin, width=58)
    draw.ellipse((412, 82, 476, 146), fill=skin)
    draw.ellipse((50, 80, 420, 450), fill=skin)
    for x in (165, 285):
        draw.ellipse((x, 200, x + 34, 244), fill=dark)
        draw.ellipse((x - 42, 268, x + 6, 296), fill=_colour(hue - 0.06, 0.6, 0.98))
    draw.chord((180, 240, 306, 356), 0, 180, fill=dark)
    draw.pieslice((214, 310, 272, 372), 180, 360, fill=(230, 110, 110))
    return _png(image, (FACE, FACE))


def _hills(draw: "ImageDraw", chance: random.Random, *, top: int, fill: Colour) -> None:
    edge = [(x, top + chance.randint(-45, 45)) for x in range(-100, 1000, 100)]
    draw.polygon([*edge, (900, 600), (-100, 600)], fill=fill)


def _head(draw: "ImageDraw", chance: random.Random, *, at: tuple[int, int], size: float) -> None:
    x, y = at
    skin = _colour(chance.uniform(0.05, 0.09), chance.uniform(0.25, 0.5), chance.uniform(0.75, 0.98))
    hair = _colour(chance.uniform(0.0, 0.12), 0.45, chance.uniform(0.15, 0.5))

    def ellipse(left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        draw.ellipse((x + left * size, y + top * size, x + right * size, y + bottom * size), fill=fill)

    ellipse(-62, -72, 62, 96 if chance.random() < 0.5 else 40, hair)
    ellipse(-86, 66, 86, 230, _colour(chance.random(), 0.45, 0.75))
    ellipse(-22, 40, 22, 84, skin)
    ellipse(-50, -52, 50, 62, skin)
    draw.chord((x - 56 * size, y - 70 * size, x + 56 * size, y + 22 * size), 180, 360, fill=hair)
    for eye in (-20, 20):
        ellipse(eye - 5, 2, eye + 5, 13, (50, 40, 40))
    draw.arc((x - 18 * size, y + 14 * size, x + 18 * size, y + 40 * size), 20, 160, fill=(120, 60, 50), width=max(2, round(4 * size)))


def _silence() -> bytes:
    """A second of nothing: audio that a player accepts."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80" * 8000)
    return out.getvalue()


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _png(image: "Image", size: tuple[int, int]) -> bytes:
    from PIL.Image import Resampling

    out = io.BytesIO()
    image.resize(size, Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()
