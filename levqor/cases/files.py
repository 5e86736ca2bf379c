"""Judging the files that customers send: by name, by size, and by what is really in them."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

MAX_FILES: Final = 5
MAX_BYTES: Final = 10 * 1024 * 1024
MAX_TOTAL_BYTES: Final = 25 * 1024 * 1024
# What file systems allow a name to have.
LONGEST_NAME: Final = 255
ACCEPT: Final = ".pdf,.png,.jpg,.jpeg,.txt,.csv,.eml"
KINDS_IN_WORDS: Final = "PDF, PNG, JPEG, TXT, CSV or EML"

# Ending → content type. What is text is served as plain text, whatever it says of itself.
TYPES: Final = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "txt": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "eml": "message/rfc822",
}
MAGIC: Final = {
    "pdf": (b"%PDF-",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
}
# What programs and archives begin with: never in a file that calls itself text.
FOREIGN: Final = (b"MZ", b"\x7fELF", b"PK\x03\x04", b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!")
# How a page or a script begins. It is served as plain text, so one that is quoted in a log does no harm.
PAGE: Final = re.compile(
    rb"(\xef\xbb\xbf)?(#!|\s*<\s*(!doctype|html|script|svg|iframe|body|\?xml|\?php))", re.IGNORECASE
)
# Endings that Windows hides or runs: `invoice.exe.pdf` looks like a program in disguise. Those that honest names have too,
# of domains (`shop.com.txt`) and logs, are left out; as the last ending none of them is taken.
ACTIVE: Final = frozenset(
    {
        *("exe", "bat", "cmd", "scr", "pif", "msi", "msp", "cpl", "jar", "lnk", "reg", "dll", "iso", "vhd"),
        *("js", "jse", "vbs", "vbe", "wsf", "wsh", "ps1", "php", "phtml"),
        *("html", "htm", "xhtml", "svg", "xml", "hta", "docm", "xlsm", "pptm", "dotm", "xlam"),
    }
)


@dataclass(frozen=True)
class JudgedFile:
    """A file that may be kept: its name made safe, and its bytes."""

    name: str
    content_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def judge_all(uploads: "Sequence[UploadedFile[Any]]") -> list[JudgedFile]:
    """The files to keep, each once; ValidationError with one message for each fault."""
    if len(uploads) > MAX_FILES:
        raise ValidationError(f"Choose {MAX_FILES} files at most; these are {len(uploads)}.")
    judged: dict[tuple[str, str], JudgedFile] = {}
    faults: list[str] = []
    for upload in uploads:
        try:
            file = judge(upload)
        except ValidationError as error:
            faults += error.messages
        else:
            judged.setdefault((file.name, file.sha256), file)
    if sum(len(file.content) for file in judged.values()) > MAX_TOTAL_BYTES:
        faults.append("Together these files are larger than 25 MB. Send fewer, or send them with several messages.")
    if faults:
        raise ValidationError(faults)
    return list(judged.values())


def judge(upload: "UploadedFile[Any]") -> JudgedFile:
    """One file; ValidationError says what is wrong with it and what to do."""
    name = safe_name(upload.name or "")
    if (upload.size or 0) > MAX_BYTES:
        raise ValidationError(f"“{name}” is larger than 10 MB. Make it smaller, or send the part that matters.")
    content = upload.read(MAX_BYTES + 1)
    if not content:
        raise ValidationError(f"“{name}” is empty.")
    _judge_name(name)
    ending = name.rpartition(".")[2].lower()
    if not content.startswith(MAGIC[ending]) if ending in MAGIC else not _is_text(content):
        raise ValidationError(f"What is in “{name}” is not what its name says. Send it as {KINDS_IN_WORDS}.")
    if ending not in MAGIC and PAGE.match(content):
        raise ValidationError(
            f"“{name}” begins like a web page or a script, which cannot be sent here. Send a picture of it, or copy the "
            "words into your message."
        )
    return JudgedFile(name, TYPES[ending], content)


def _judge_name(name: str) -> None:
    endings = name.lower().split(".")[1:]
    if not endings or endings[-1] not in TYPES:
        raise ValidationError(f"“{name}” cannot be sent here. Send it as {KINDS_IN_WORDS}.")
    if active := next((ending for ending in endings if ending in ACTIVE), ""):
        raise ValidationError(
            f"“{name}” has “.{active}” within its name, as programs in disguise have. Take it out of the name and send the "
            "file again."
        )


def safe_name(name: str) -> str:
    """The last part of the name without anything that a file system, header or reader takes for more than a letter."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    # Control and format characters go: right-to-left overrides make `fdp.exe` look like `exe.pdf`.
    spaced = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in last)
    shown = "".join(letter for letter in spaced if unicodedata.category(letter)[0] != "C")
    tidy = re.sub(r'[<>:"|?*;%\s]+', " ", shown).strip(" .")
    return _shortened(tidy) or "file"


def _shortened(name: str) -> str:
    """A name that is too long loses its middle; a digest of the whole keeps two such names apart."""
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{name[:120]}…{digest}…{name[-100:]}"


def _is_text(content: bytes) -> bool:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        # Excel's Unicode text: UTF-16 with a mark.
        try:
            text = content.decode("utf-16")
        except UnicodeDecodeError:
            return False
        return "\0" not in text
    if content.startswith(FOREIGN) or b"\0" in content:
        return False
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What Windows writes for text; it maps nearly every byte, so only what is no control character passes.
        return not any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in content)
    return True
