"""Translations without a system gettext: ``extract``, ``compile`` and ``check``, built on Babel.

    python -m dev messages extract [--merge FOLDER]    update locale/fa/LC_MESSAGES/*.po from the sources
    python -m dev messages compile                     .po → .mo where the .po is newer
    python -m dev messages check                       nothing missing, untranslated, fuzzy; placeholders equal

``--merge`` reads JSON files: ``{"msgid": "translation", "one|many": ["one", "many"]}``; a context goes before
the msgid, separated by U+0004.
"""

import argparse
import io
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract as babel_extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from dev.errors import Refusal
from dev.paths import ROOT

LANGUAGE = "fa"
PLURAL_FORMS = "nplurals=2; plural=(n > 1);"
LOCALE = ROOT / "locale"
SKIPPED = {".venv", "node_modules", "static_vendor", "var", "tests", "benchmarks", "dev", "docs", "deploy"}
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "N_"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sdif]|%[sdif]|(?<!\{)\{(\w*)[^{}]*\}(?!\})")
Key = tuple[str | None, str]


def _sources(suffixes: tuple[str, ...]) -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.suffix in suffixes and not any(part in SKIPPED or part.startswith(".") for part in parts):
            yield path


def _found(path: Path) -> Iterator[tuple[object, str | None, list[str], int]]:
    """Messages of one file: (msgid or (one, many), context, comments, line)."""
    text = path.read_text(encoding="utf-8")
    method = "python"
    if path.suffix == ".html" or path.suffix == ".txt":
        from django.utils.translation.template import templatize

        # The result looks like Python but for its indentation, which Babel's tokenizer would refuse.
        text = "\n".join(line.lstrip() for line in templatize(text, origin=str(path)).split("\n"))
    elif path.suffix == ".js":
        method = "javascript"
    source = io.BytesIO(text.encode())
    for line, message, comments, context in babel_extract(
        method,
        source,
        KEYWORDS,
        ("Translators:", "translators:"),
        {"encoding": "utf-8"},  # type: ignore[arg-type]
    ):
        yield message, context, comments, line


def collect(domain: str) -> Catalog:
    """All messages of the sources: Python and templates for ``django``, scripts for ``djangojs``."""
    catalog = Catalog(project="Servaan CRM", charset="utf-8")
    suffixes = (".js",) if domain == "djangojs" else (".py", ".html", ".txt")
    for path in _sources(suffixes):
        if path.suffix == ".txt" and "templates" not in path.parts:
            continue
        for message, context, comments, _ in _found(path):
            place = str(path.relative_to(ROOT))
            catalog.add(message, locations=[(place, 1)], auto_comments=comments, context=context)  # type: ignore[arg-type]
    return catalog


def _po(domain: str) -> Path:
    return LOCALE / LANGUAGE / "LC_MESSAGES" / f"{domain}.po"


def read(path: Path) -> Catalog:
    """Read a .po file; a missing one is an empty catalogue."""
    if not path.exists():
        return Catalog()
    with path.open("rb") as file:
        return read_po(file, locale=LANGUAGE)


def key_of(message: Message) -> Key:
    """Context and (singular) msgid."""
    return message.context, message.id if isinstance(message.id, str) else message.id[0]


def _messages(catalog: Catalog) -> dict[Key, Message]:
    return {key_of(message): message for message in catalog if message.id}


def _json_translations(folder: Path) -> dict[Key, object]:
    known: dict[Key, object] = {}
    for path in sorted(folder.glob("*.json")):
        for raw, text in json.loads(path.read_text(encoding="utf-8")).items():
            context, _, msgid = raw.rpartition("\x04")
            one = msgid.split("|")[0] if isinstance(text, list) else msgid
            known[(context or None, one)] = text
    return known


def _translate(message: Message, text: object) -> None:
    if isinstance(message.id, str):
        message.string = text if isinstance(text, str) else text[-1]  # type: ignore[index]
    else:
        both = [text, text] if isinstance(text, str) else list(text)  # type: ignore[call-overload]
        message.string = tuple(both[:2]) if len(both) > 1 else (both[0], both[0])


def extract(merge: Path | None) -> None:
    """Update the .po files: keep translations, drop messages that are gone, add those of the JSON files."""
    extra = _json_translations(merge) if merge else {}
    for domain in ("django", "djangojs"):
        fresh = collect(domain)
        if not any(message.id for message in fresh):
            continue
        old = _messages(read(_po(domain)))
        # No locale: Babel knows one plural form for Persian, Django and our header use two.
        catalog = Catalog(charset="utf-8", fuzzy=False)
        for key, message in _messages(fresh).items():
            catalog[message.id] = message
            stored = catalog.get(message.id, message.context)
            assert stored is not None
            if key in extra:
                _translate(stored, extra[key])
            elif key in old and old[key].string:
                _translate(stored, old[key].string)
        _write(catalog, _po(domain))


def _write(catalog: Catalog, path: Path) -> None:
    out = io.BytesIO()
    write_po(out, catalog, width=110, sort_output=True, include_lineno=False, omit_header=True)
    # A fixed header: a file that changes with every extraction fills the history with noise.
    header = (
        '# Persian texts of Servaan CRM.\nmsgid ""\nmsgstr ""\n"Language: fa\\n"\n"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {PLURAL_FORMS}\\n"\n\n'
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + out.getvalue().decode(), encoding="utf-8")


def compile_all() -> list[Path]:
    """Compile every .po that is newer than its .mo. Returns what was written."""
    written = []
    for source in sorted(ROOT.glob("locale/*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        out = io.BytesIO()
        with source.open("rb") as file:
            write_mo(out, read_po(file, locale=source.parent.parent.name))
        draft = target.with_suffix(".mo.new")
        draft.write_bytes(out.getvalue())
        draft.replace(target)
        written.append(target)
    return written


def _placeholders(text: str) -> list[str]:
    return sorted(match[0] for match in PLACEHOLDER.finditer(text))


def _faults(message: Message) -> Iterator[str]:
    """What is wrong with one translated message."""
    texts = [message.string] if isinstance(message.id, str) else list(message.string or ())
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    if not all(texts):
        yield "untranslated"
        return
    if message.fuzzy:
        yield "fuzzy"
    for msgid, text in zip(ids, texts, strict=False):
        # A singular may leave its number out ("one guest").
        wanted, found = _placeholders(msgid), _placeholders(str(text))
        both = _placeholders(ids[-1])
        if found not in (wanted, both):
            yield f"placeholders differ: {wanted} and {found}"
        if msgid.startswith("\n") != str(text).startswith("\n") or msgid.endswith("\n") != str(text).endswith(
            "\n"
        ):
            yield "only one of them begins or ends with a line break"


def check() -> list[str]:
    """Compare the .po files with the sources. Returns one line per fault."""
    faults = []
    for domain in ("django", "djangojs"):
        wanted, known = _messages(collect(domain)), _messages(read(_po(domain)))
        name = _po(domain).relative_to(ROOT)
        for key, message in wanted.items():
            place = message.locations[0][0] if message.locations else ""
            if key not in known:
                faults.append(f"{name}: missing: {key[1]!r} ({place})")
                continue
            if isinstance(message.id, str) != isinstance(known[key].id, str):
                faults.append(f"{name}: plural in one place only: {key[1]!r} ({place})")
                continue
            faults += [f"{name}: {fault}: {key[1]!r} ({place})" for fault in _faults(known[key])]
        faults += [f"{name}: no longer used: {key[1]!r}" for key in known if key not in wanted]
    return faults


def main(arguments: Sequence[str]) -> int:
    """Command line. Returns 1 when ``check`` found something."""
    parser = argparse.ArgumentParser(prog="python -m dev messages")
    parser.add_argument("command", choices=("extract", "compile", "check"))
    parser.add_argument("--merge", type=Path, help="folder with JSON files of translations")
    options = parser.parse_args(arguments)
    if options.command == "extract":
        if options.merge and not options.merge.is_dir():
            raise Refusal(f"{options.merge} is no folder")
        extract(options.merge)
        return 0
    if options.command == "compile":
        compile_all()
        return 0
    faults = check()
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0
