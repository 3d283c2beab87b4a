"""CSV and XLSX, written piece by piece."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape

from customers.exports.rows import Cell

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Rows per piece sent.
PIECE = 500
# Excel's own limit of one sheet; more go to further sheets.
SHEET_ROWS = 1_048_576
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def safe(cell: Cell) -> Cell:
    """Return ``cell`` so that no spreadsheet takes a text for a formula; the import takes the sign off again."""
    if type(cell) is str and cell.startswith(DANGEROUS):
        return f"'{cell}"
    return cell


class _Echo:
    """A file that hands back what is written."""

    def write(self, text: str) -> str:
        return text


def csv_line(cells: Sequence[Cell]) -> str:
    """Return one line of a CSV file with its end."""
    return str(csv.writer(_Echo()).writerow([safe(cell) for cell in cells]))


def csv_pieces(heads: Sequence[str], rows: Iterable[list[Cell]]) -> Iterator[bytes]:
    """Give a CSV file in UTF-8 with the mark that Excel needs to see it is UTF-8. The heads come at once."""
    line = csv.writer(_Echo()).writerow
    yield ("\ufeff" + str(line([safe(head) for head in heads]))).encode()
    piece: list[str] = []
    for row in rows:
        piece.append(str(line([safe(cell) for cell in row])))
        if len(piece) >= PIECE:
            yield "".join(piece).encode()
            piece.clear()
    yield "".join(piece).encode()


class _Pipe(io.RawIOBase):
    """Where the archive writes to; what is written is taken away piece by piece."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def sheet_pieces(title: str, heads: Sequence[str], lines: Iterable[bytes], *, rtl: bool) -> Iterator[bytes]:
    """Give an Excel file whose rows are ``lines``: the cells of one row as XML, each with a line end."""
    pipe = _Pipe()
    archive = zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    source = iter(lines)
    number = 0
    line = None
    while number == 0 or line is not None:
        number += 1
        with archive.open(f"xl/worksheets/sheet{number}.xml", "w", force_zip64=True) as sheet:
            sheet.write(_sheet_head(rtl).encode() + _row(1, "".join(map(_cell, heads)).encode()))
            yield pipe.drain()
            line = next(source, None) if number == 1 else line
            count = 1
            buffer: list[bytes] = []
            while line is not None and count < SHEET_ROWS:
                count += 1
                buffer.append(_row(count, line))
                line = next(source, None)
                if len(buffer) >= PIECE:
                    sheet.write(b"".join(buffer))
                    buffer.clear()
                    yield pipe.drain()
            sheet.write(b"".join(buffer) + b"</sheetData></worksheet>")
        yield pipe.drain()
    for name, text in _frame(title, number).items():
        archive.writestr(name, _HEAD + text)
    archive.close()
    yield pipe.drain()


def _sheet_head(rtl: bool) -> str:
    way = ' rightToLeft="1"' if rtl else ""
    return (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"{way}>'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        '<sheetFormatPr defaultRowHeight="15"/><cols><col min="1" max="40" width="18" customWidth="1"/></cols>'
        "<sheetData>"
    )


def _row(number: int, cells: bytes) -> bytes:
    return b'<row r="%d">%b</row>' % (number, cells)


def _cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(_UNPRINTABLE.sub("", text))}</t></is></c>'


def _frame(title: str, sheets: int) -> dict[str, str]:
    """Return the other parts of the archive: name → XML."""
    numbers = range(1, sheets + 1)
    name = escape(re.sub(r"[\[\]:*?/\\]", " ", title)[:25], {'"': "&quot;"})
    sheet_type = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{sheet_type}.worksheet+xml"/>'
        for n in numbers
    )
    listed = "".join(
        f'<sheet name="{name if n == 1 else f"{name} {n}"}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_REL}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    return {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels"'
        f' ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml"'
        f' ContentType="application/xml"/><Override PartName="/xl/workbook.xml"'
        f' ContentType="{sheet_type}.sheet.main+xml"/>{overrides}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
    }
