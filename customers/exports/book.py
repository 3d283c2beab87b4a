"""The customer list as a file, written by the database and passed on row by row."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, transaction
from psycopg import sql

from customers.exports.files import DANGEROUS, csv_line, sheet_pieces
from customers.exports.rows import Column, Kind, Writer, source_of
from customers.selectors.customers import CustomerList
from servaan_crm.l10n.locale import CafeLocale
from servaan_crm.l10n.phone import national

# Bytes per piece sent.
PIECE = 64 * 1024
# What a cell of Excel holds at most.
CELL = 32_767
_FREE = (Kind.TEXT, Kind.OWN, Kind.OWN_DAY, Kind.PHONE)
# No XML holds these; line ends, tabs and backslashes would be spelled otherwise by COPY.
_UNPRINTABLE = "".join(map(chr, [*range(1, 9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF]))
_SPELLED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\\": "&#92;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_SPECIAL = "[&<>\\\\\\u0001-\\u001f\\ufffe\\uffff]"
_TEXT_CELL = '<c t="inlineStr"><is><t xml:space="preserve">'


def book_csv(found: CustomerList, columns: list[Column], locale: CafeLocale) -> Iterator[bytes]:
    """Give the list as CSV in UTF-8 with the mark that Excel needs to see it is UTF-8. The heads come at once."""
    yield ("\ufeff" + csv_line([column.head for column in columns])).encode()
    writer = Writer(locale)
    names = _names(found, columns)
    cells = [_csv_cell(writer, column, names[column.source]) for column in columns]
    piece: list[bytes] = []
    size = 0
    for line in _copied(found, columns, writer, sql.SQL(", ").join(cells), "FORMAT csv"):
        piece.append(line if writer.spells_phones else _dialled(line, b",", locale))
        size += len(line)
        if size >= PIECE:
            yield b"".join(piece)
            piece.clear()
            size = 0
    yield b"".join(piece)


def book_xlsx(title: str, found: CustomerList, columns: list[Column], locale: CafeLocale) -> Iterator[bytes]:
    """Give the list as an Excel file. Texts are written as texts, so none of them can be a formula."""
    writer = Writer(locale)
    names = _names(found, columns)
    cells = [_sheet_cell(writer, column, names[column.source]) for column in columns]
    lines = _copied(found, columns, writer, sql.SQL(" || ").join(cells), "FORMAT text")
    if not writer.spells_phones:
        lines = (_dialled(line, b"<", locale, _TEXT_CELL.encode()) for line in lines)
    yield from sheet_pieces(title, [column.head for column in columns], lines, rtl=locale.is_persian)


def _names(found: CustomerList, columns: list[Column]) -> dict[str, str]:
    return source_of(found, columns)[2]


def _copied(
    found: CustomerList, columns: list[Column], writer: Writer, cells: sql.Composable, shape: str
) -> Iterator[bytes]:
    """Give one line per guest, as COPY writes it.

    A transaction is open while it runs, and the café it was opened in stays the café it reads whatever the
    connection does next. The guests are read in the order of an index where there is one, so the first come at once.
    """
    source, params, names = source_of(found, columns)
    statement = sql.SQL(
        "COPY (SELECT {cells} FROM ({source}) AS x ({names}) CROSS JOIN (SELECT {days}::bytea AS days OFFSET 0) AS d)"
        " TO STDOUT ({shape})"
    ).format(
        cells=_escaped(cells), source=sql.SQL(source), names=sql.SQL(", ").join(map(sql.Identifier, names.values())),
        days=sql.Literal(writer.days), shape=sql.SQL(shape),
    )  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('enable_sort', 'off', true), set_config('jit', 'off', true)")
        # The driver's own cursor: the one that DEBUG wraps around it takes no parameters.
        with cursor.cursor.copy(statement, params) as copy:
            for line in copy:
                yield bytes(line)


def _escaped(cells: sql.Composable) -> sql.SQL:
    """The query has parameters, so a percent sign of ours is written twice."""
    return sql.SQL(cells.as_string(connection.connection).replace("%", "%%"))


def _csv_cell(writer: Writer, column: Column, name: str) -> sql.Composable:
    text = writer.text(column, name)
    if column.kind not in _FREE:
        return sql.SQL("NULLIF({}, '')").format(text)
    guarded = sql.SQL(
        "CASE WHEN ascii({t}) = ANY ({signs}) THEN chr(39) || {t} ELSE NULLIF({t}, '') END"
    ).format(t=text, signs=sql.Literal([ord(sign) for sign in DANGEROUS]))
    number = writer.is_number(column, name)
    if number is None:
        return guarded
    return sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(number, text, guarded)


def _sheet_cell(writer: Writer, column: Column, name: str) -> sql.Composable:
    text, number = writer.text(column, name), writer.is_number(column, name)
    shown = (
        _spelled(sql.SQL("left({}, {})").format(text, sql.Literal(CELL))) if column.kind in _FREE else text
    )
    words = sql.SQL(
        "CASE WHEN COALESCE({t}, '') = '' THEN '<c/>' ELSE {head} || {shown} || {tail} END"
    ).format(t=text, head=sql.Literal(_TEXT_CELL), shown=shown, tail=sql.Literal("</t></is></c>"))
    if number is None:
        return words
    figure = sql.SQL("COALESCE('<c><v>' || {} || '</v></c>', '<c/>')").format(text)
    return sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(number, figure, words)


def _spelled(text: sql.Composable) -> sql.Composable:
    clean: sql.Composable = sql.SQL("translate({}, {}, '')").format(text, sql.Literal(_UNPRINTABLE))
    for sign, spelling in _SPELLED.items():
        clean = sql.SQL("replace({}, {}, {})").format(clean, sql.Literal(sign), sql.Literal(spelling))
    return sql.SQL("CASE WHEN {t} ~ {special} THEN {clean} ELSE {t} END").format(
        t=text, special=sql.Literal(_SPECIAL), clean=clean
    )


def _dialled(line: bytes, end: bytes, locale: CafeLocale, before: bytes = b"") -> bytes:
    """Return the line with the number it begins with as the country dials it."""
    start = len(before)
    stop = line.index(end, start)
    phone = line[start:stop].decode()
    shown = national(phone.removeprefix("'"), locale.phone_region)
    return before + (phone if shown == phone.removeprefix("'") else shown).encode() + line[stop:]
