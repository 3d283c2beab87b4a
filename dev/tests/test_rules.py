"""The house rules, the translations and the assets step, on small inputs."""

import ast
import json
from pathlib import Path

import pytest

from dev import assets, checks, messages, paths
from dev.errors import Refusal


def faults(check: object, source: str, name: str = "checkout/services.py") -> list[str]:
    """What a check says about a source text."""
    return list(check(checks.ROOT / name, ast.parse(source)))  # type: ignore[operator]


def test_queueing_is_allowed_in_core_only() -> None:
    source = "send.delay(1)\nsend.apply_async()\nenqueue(send, 1)"
    assert len(faults(checks.queueing, source)) == 2
    assert faults(checks.queueing, source, "servaan_crm/core/tasks.py") == []


def test_a_cafe_is_no_context_manager() -> None:
    assert (
        len(faults(checks.cafe_context, "with tenant:\n    pass\nwith request.tenant as x:\n    pass")) == 2
    )
    assert faults(checks.cafe_context, "with tenant_context(tenant):\n    pass") == []


@pytest.mark.parametrize(
    ("css", "bad"),
    [
        ("a { margin-left: 1px }", True),
        ("a { left: 0 }", True),
        ("a { text-align: right }", True),
        ("a { border-top-left-radius: 2px }", True),
        ("a { margin-inline-start: 1px; inset-inline-start: 0; text-align: start }", False),
        ("/* margin-left: 1px */ a { color: red }", False),
        ("a { left: 0 } /* physical: the map does not turn */", False),
        (".ms-left:hover { color: red }", False),
        ("a { scroll-padding-inline: 1px; --left-pad: 1px }", False),
    ],
)
def test_physical_directions(css: str, bad: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "app.css").write_text(css)
    assert bool(list(checks.logical_css())) is bad


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one Python file and one template, in place of the project."""
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "LOCALE", tmp_path / "locale")
    (tmp_path / "app.py").write_text('a = _("Guest")\nb = ngettext("%(n)s visit", "%(n)s visits", 2)\n')
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(
        '{% load i18n %}\n    <b>\n  {% trans "Save" %}\n      </b>'
        "{% blocktrans with x=y %}Hello {{ x }}{% endblocktrans %}"
    )
    return tmp_path


def merge(folder: Path, table: dict[str, object]) -> None:
    """Extract with the translations of ``table``."""
    (folder / "merge").mkdir(exist_ok=True)
    (folder / "merge" / "a.json").write_text(json.dumps(table), encoding="utf-8")
    messages.extract(folder / "merge")


COMPLETE = {
    "Guest": "مهمان",
    "%(n)s visit|%(n)s visits": ["%(n)s مراجعه", "%(n)s مراجعه"],
    "Save": "ذخیره",
    "Hello %(x)s": "سلام %(x)s",
}


def test_translations_of_python_and_templates_are_found_merged_and_compiled(sources: Path) -> None:
    merge(sources, {key: COMPLETE[key] for key in list(COMPLETE)[:2]})
    assert [fault.split(": ")[1] for fault in messages.check()] == ["untranslated", "untranslated"]
    merge(sources, {key: COMPLETE[key] for key in list(COMPLETE)[2:]})
    assert messages.check() == []
    assert [path.name for path in messages.compile_all()] == ["django.mo"]
    assert messages.compile_all() == []

    import gettext

    catalog = gettext.translation("django", str(sources / "locale"), ["fa"])
    assert catalog.gettext("Save") == "ذخیره"
    assert catalog.ngettext("%(n)s visit", "%(n)s visits", 5) == "%(n)s مراجعه"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"Hello %(x)s": "سلام %(y)s"}, "placeholders differ"),
        ({"Guest": ""}, "untranslated"),
    ],
)
def test_faulty_translations_are_named(sources: Path, change: dict[str, str], fault: str) -> None:
    merge(sources, {**COMPLETE, **change})
    assert [fault in line for line in messages.check()] == [True]


def test_new_and_removed_texts_are_noticed(sources: Path) -> None:
    merge(sources, COMPLETE)
    (sources / "app.py").write_text('a = _("Guests")\nb = ngettext("%(n)s visit", "%(n)s visits", 2)\n')
    assert sorted(line.split(": ")[1] for line in messages.check()) == ["missing", "no longer used"]


def test_assets_stay_inside_their_folder(tmp_path: Path) -> None:
    (tmp_path / "from" / "pkg").mkdir(parents=True)
    (tmp_path / "from" / "pkg" / "a.js").write_text("1")
    target = tmp_path / "to"
    target.mkdir()
    assets.copy_files({"pkg": "all", "pkg/a.js": "js/a.js"}, tmp_path / "from", target)
    assert (target / "js" / "a.js").read_text() == (target / "all" / "a.js").read_text() == "1"
    with pytest.raises(Refusal, match="outside"):
        assets.copy_files({"pkg/a.js": "../a.js"}, tmp_path / "from", target)
    with pytest.raises(Refusal, match="none of the installed"):
        assets.copy_files({"pkg/b.js": "b.js"}, tmp_path / "from", target)


def test_only_a_deleted_home_makes_an_orphan(tmp_path: Path) -> None:
    owner = tmp_path / "clone" / "var"
    owner.mkdir(parents=True)
    record = tmp_path / "home"
    record.write_text(f"{owner.stat().st_dev} {owner}\n")
    assert not paths.is_orphan(record)
    owner.rmdir()
    assert paths.is_orphan(record)
    record.write_text(f"{tmp_path.stat().st_dev + 1} {owner}\n")
    assert not paths.is_orphan(record), "the disk of that home may just not be mounted"


def test_a_long_home_gets_a_short_socket_folder(tmp_path: Path) -> None:
    account = paths.Account(0, 0)
    deep = tmp_path / ("x" * 90)
    assert len(str(paths.socket_path(deep, "sock", account))) < 60
    assert paths.socket_path(Path("/srv/s"), "sock", account) == Path("/srv/s/sock")
