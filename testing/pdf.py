"""The words in a PDF of ours, as a reader would copy them out: fpdf2's own way of writing fonts and text, and no other."""

import re
import zlib

OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
STREAM = re.compile(rb"stream\n(.*?)\nendstream", re.DOTALL)
DRAWN = re.compile(rb"/F(\d+) [\d.]+ Tf|\(((?:\\.|[^\\)])*)\) Tj", re.DOTALL)
ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def runs_of(pdf: bytes) -> list[str]:
    """What was drawn, one text for each piece of a line."""
    objects = {int(number): body for number, body in OBJECT.findall(pdf)}
    fonts = _fonts(objects)
    runs: list[str] = []
    letters: dict[int, str] = {}
    for body in objects.values():
        for font, glyphs in DRAWN.findall(_content(body)):
            if font:
                letters = fonts[int(font)]
            else:
                runs.append(_read(glyphs, letters))
    return runs


def _content(body: bytes) -> bytes:
    """The drawing of a page; nothing for what is none."""
    found = STREAM.search(body)
    if found is None or b"/FlateDecode" not in body or b"/Length1" in body:
        return b""
    return zlib.decompress(found[1])


def _fonts(objects: dict[int, bytes]) -> dict[int, dict[int, str]]:
    """For each font of the pages, which letter a glyph stands for."""
    named = b"".join(body for body in objects.values() if b"/Font <<" in body)
    fonts = {}
    for name, number in re.findall(rb"/F(\d+) (\d+) 0 R", named):
        link = re.search(rb"/ToUnicode (\d+) 0 R", objects[int(number)])
        assert link
        pairs = re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>", objects[int(link[1])])
        fonts[int(name)] = {int(glyph, 16): bytes.fromhex(word.decode()).decode("utf-16-be") for glyph, word in pairs}
    return fonts


def _read(glyphs: bytes, letters: dict[int, str]) -> str:
    raw = re.sub(rb"\\(.)", lambda match: ESCAPED.get(match[1], match[1]), glyphs, flags=re.DOTALL)
    return "".join(letters[int.from_bytes(raw[place : place + 2])] for place in range(0, len(raw), 2))
