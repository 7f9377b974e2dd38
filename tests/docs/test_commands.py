"""Every command a document shows exists: `vedette` verbs with their options, `make` targets, and linked files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from appliance.cli.main import run

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_VEDETTE = re.compile(r"`(?:\.venv/bin/)?vedette ([^`]+)`")
_FENCED = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?vedette ([^#\n]+)", re.MULTILINE)
_MAKE = re.compile(r"`make ([a-z][a-z-]+)|^make ([a-z][a-z-]+)", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#:]+)\)")


def _commands(text: str) -> set[tuple[str, ...]]:
    """The words of each command up to its first argument, with the options it names: (verb path, options)."""
    found = set()
    for line in _VEDETTE.findall(text) + _FENCED.findall(text):
        words = line.split()
        verbs = []
        for word in words[:2]:
            if not re.fullmatch(r"[a-z][a-z-]*", word):
                break
            verbs.append(word)
        if verbs:  # else a placeholder, as in `vedette NOUN VERB`
            found.add((" ".join(verbs), *(word for word in words if word.startswith("-"))))
    return found


def _help(verbs: str, capsys: pytest.CaptureFixture[str]) -> str | None:
    """What `--help` prints for the longest prefix of `verbs` that is a command."""
    words = verbs.split()
    for count in range(len(words), 0, -1):
        code = run([*words[:count], "--help"])
        text = capsys.readouterr().out
        if code == 0:
            return text
    return None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_documents_exist(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verbs, *options in sorted(_commands(document.read_text("utf-8"))):
        text = _help(verbs, capsys)
        assert text is not None, f"{document.name} shows `vedette {verbs}`, which is no command"
        for option in options:
            assert option.split("=")[0] in text, f"{document.name}: `vedette {verbs}` has no {option}"


def test_make_targets_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for document in DOCUMENTS:
        for match in _MAKE.findall(document.read_text("utf-8")):
            named = "".join(match)
            assert named in targets, f"{document.name} shows `make {named}`, which is no target"


def test_links_in_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for link in _LINK.findall(document.read_text("utf-8")):
            assert (document.parent / link).exists(), (
                f"{document.relative_to(ROOT)} links to {link}, which is not there"
            )
