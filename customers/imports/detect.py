"""What kind of file this is: CSV or XLSX, its encoding, its separator."""

from __future__ import annotations

import codecs
import zipfile
from dataclasses import dataclass
from typing import IO

from django.utils.translation import gettext_lazy as _

from customers.imports.errors import UnreadableFile
from customers.imports.limits import MAX_LINE, MAX_MEMBERS, MAX_SHARED_TEXTS, MAX_UNPACKED, MEGABYTE

XLSX = "xlsx"
SEPARATORS = (",", ";", "\t", "|")
_BLOCK = 1 << 20
_OTHER_KINDS = {
    b"\xd0\xcf\x11\xe0": _("This is an old Excel file (.xls). Save it as .xlsx or CSV and upload that."),
    b"%PDF": _("This is a PDF. Save the table as .xlsx or CSV and upload that."),
}
# Ends of names that promise something else than what we read.
_ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm")


@dataclass(frozen=True, slots=True)
class Format:
    """``encoding`` is a codec's name, or "xlsx"; ``separator`` is "" for XLSX."""

    encoding: str
    separator: str = ""

    @property
    def is_xlsx(self) -> bool:
        return self.encoding == XLSX


def detect(file: IO[bytes], name: str) -> Format:
    """Return the format of ``file``, judged by its content and not by its name.

    Raises:
        UnreadableFile: it is empty, of another kind, damaged, or unpacks to more than is taken.
    """
    file.seek(0)
    head = file.read(_BLOCK)
    if not head.strip(b"\x00\xef\xbb\xbf\xff\xfe \r\n\t"):
        raise UnreadableFile(_("The file is empty."))
    for magic, words in _OTHER_KINDS.items():
        if head.startswith(magic):
            raise UnreadableFile(words)
    if head.startswith(b"PK\x03\x04"):
        _check_archive(file)
        return Format(XLSX)
    if not name.lower().endswith(_ENDINGS):
        raise UnreadableFile(_("Upload a file with the ending .csv or .xlsx."))
    encoding = _encoding(file, head)
    return Format(encoding, _separator(head.decode(encoding, errors="replace")))


def _check_archive(file: IO[bytes]) -> None:
    """An XLSX file is an archive: look at what it claims to unpack to before unpacking it."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableFile(_("The Excel file is damaged.")) from error
    if "xl/workbook.xml" not in {member.filename for member in members}:
        raise UnreadableFile(_("This is an archive but not an Excel file. Upload .xlsx or CSV."))
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableFile(_("The Excel file is protected by a password. Save it without one."))
    # Reading stops at the size that is claimed here, so a false claim gains nothing.
    texts = sum(member.file_size for member in members if member.filename.endswith("sharedStrings.xml"))
    whole = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or whole > MAX_UNPACKED or texts > MAX_SHARED_TEXTS:
        raise UnreadableFile(
            _("The Excel file unpacks to more than %(megabytes)s MB. Upload it as CSV."),
            params={"megabytes": MAX_UNPACKED // MEGABYTE},
        )


def _encoding(file: IO[bytes], head: bytes) -> str:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    try:
        # The whole file: the first Persian name may come late.
        while block := file.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1256"  # what Persian and Arabic Windows write; it has a character for every byte
    return "utf-8"


def _separator(text: str) -> str:
    """Return the separator that stands most often in the first line that is not blank, outside quotes."""
    line = next((line for line in text[:MAX_LINE].splitlines() if line.strip()), "")
    if line.lower().startswith("sep=") and len(line.strip()) == 5:
        return line.strip()[4]
    outside = "".join(line.split('"')[::2])
    counts = {mark: outside.count(mark) for mark in SEPARATORS}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ","
