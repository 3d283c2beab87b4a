"""The rows of a file as lists of cells, one at a time: memory does not grow with the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from django.utils.translation import gettext_lazy as _

from customers.imports.detect import Format
from customers.imports.errors import UnreadableFile
from customers.imports.limits import MAX_COLUMNS, MAX_LINE

# Windows-1256 has no Persian ye, and few keyboards of its time a Persian kaf.
_PERSIAN_LETTERS = str.maketrans("\u064a\u0643", "\u06cc\u06a9")


@dataclass
class Source:
    """A file that is being read. ``headers`` are known once it is opened; then iterate over it.

    Iteration gives (row number, cells); row 1 is the first line of the file, so the numbers are those a
    spreadsheet shows. Blank rows are skipped.
    """

    file: IO[bytes]
    format: Format
    size: int
    headers: list[str] = field(default_factory=list)
    _rows: Iterator[tuple[int, list[Any]]] = field(default_factory=lambda: iter(()))

    def __post_init__(self) -> None:
        self.file.seek(0)
        self._rows = self._numbered_sheet() if self.format.is_xlsx else self._numbered_lines()
        for _number, cells in self._rows:
            self.headers = [_header(cell) for cell in cells]
            break
        while self.headers and not self.headers[-1]:
            self.headers.pop()
        if not self.headers:
            raise UnreadableFile(_("The file is empty."))
        if len(self.headers) > MAX_COLUMNS:
            raise UnreadableFile(_("The file has more than %(most)s columns."), params={"most": MAX_COLUMNS})

    def __iter__(self) -> Iterator[tuple[int, list[Any]]]:
        return self._rows

    def share_read(self) -> float:
        """Return how much of the file was read so far, 0 to 1 (of an XLSX file: unknown, 0)."""
        if self.format.is_xlsx or not self.size:
            return 0.0
        return min(1.0, self.file.tell() / self.size)

    def _numbered_lines(self) -> Iterator[tuple[int, list[Any]]]:
        csv.field_size_limit(MAX_LINE)
        legacy = self.format.encoding == "cp1256"
        text = io.TextIOWrapper(self.file, self.format.encoding, errors="replace", newline="")
        reader = csv.reader(_lines(text), delimiter=self.format.separator)
        try:
            for number, cells in enumerate(reader, 1):
                if not any(cells) or (number == 1 and cells[0].lower().startswith("sep=")):
                    continue
                yield number, [cell.translate(_PERSIAN_LETTERS) for cell in cells] if legacy else cells
        except csv.Error as error:
            raise UnreadableFile(
                _("Line %(line)s cannot be read; a quotation mark before it may not be closed."),
                params={"line": reader.line_num + 1},
            ) from error
        finally:
            with suppress(ValueError):  # whoever opened the file may have closed it by now
                text.detach()

    def _numbered_sheet(self) -> Iterator[tuple[int, list[Any]]]:
        # It takes a moment to load, and most workers never read Excel.
        from openpyxl import load_workbook

        try:
            book = load_workbook(self.file, read_only=True, data_only=False, keep_links=False)
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what a program claims about the size of its sheet is often wrong
            for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
                row = list(cells)
                if any(cell is not None and cell != "" for cell in row):
                    yield number, row
        except UnreadableFile:
            raise
        except Exception as error:  # a damaged sheet fails in many ways, deep inside XML and archives
            raise UnreadableFile(_("The Excel file is damaged.")) from error


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Lines of bounded length: a file without a line break is no table."""
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
            raise UnreadableFile(_("The file has a line that is longer than any table has."))
        yield line


def _header(cell: Any) -> str:
    return " ".join(str("" if cell is None else cell).replace("\x00", "").split())[:100]
