"""The people of the demonstration bank, somebody for each role, and their random passwords."""

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

PASSWORD_BYTES = 9  # 72 random bits, 12 characters to type


@dataclass(frozen=True)
class Unit:
    """A business unit; `parent` is the code of the one above it."""

    code: str
    name: str
    parent: str | None


@dataclass(frozen=True)
class Colleague:
    """Somebody who can sign in. `over`: the unit that the role covers, None for the whole bank."""

    username: str
    full_name: str
    hr_number: str
    unit: str
    role: str
    over: str | None
    comes_to: str


UNITS = (
    Unit("harbour", "Harbour Bank", None),
    Unit("retail", "Retail Credit", "harbour"),
    Unit("cards", "Credit Cards", "retail"),
    Unit("mortgages", "Mortgages", "retail"),
    Unit("risk", "Group Risk", "harbour"),
    Unit("audit", "Group Audit", "harbour"),
    Unit("it", "Platform Services", "harbour"),
)
PEOPLE = (
    Colleague("solberg", "Ingrid Solberg", "HB-1001", "cards", "owner", "cards", "own the card models"),
    Colleague("demir", "Yusuf Demir", "HB-1002", "cards", "developer", "cards", "develop them"),
    Colleague("nair", "Priya Nair", "HB-2001", "risk", "validator", "retail", "validate retail models"),
    Colleague("achterberg", "Samuel Achterberg", "HB-2002", "risk", "officer", None, "watch the portfolio"),
    Colleague("lindqvist", "Nora Lindqvist", "HB-2004", "risk", "officer", None, "decide what he proposes"),
    Colleague("duarte", "Maria Duarte", "HB-2003", "risk", "committee", "retail", "decide in committee"),
    Colleague("brandt", "Helena Brandt", "HB-3001", "audit", "auditor", None, "read everything, change nothing"),
    Colleague("callaghan", "Ruth Callaghan", "HB-4001", "harbour", "administrator", None, "manage people and roles"),
    Colleague("okafor", "Daniel Okafor", "HB-4002", "harbour", "administrator", None, "decide what she proposes"),
    Colleague("fischer", "Lena Fischer", "HB-1003", "mortgages", "owner", "mortgages", "see mortgages only"),
)


def passwords_in(path: Path) -> dict[str, str]:
    """Username -> password, made for whoever has none yet; `path` holds the whole table, for nobody else (0600)."""
    kept = _read(path)
    passwords = {c.username: kept.get(c.username) or secrets.token_urlsafe(PASSWORD_BYTES) for c in PEOPLE}
    table = "".join(f"{line}\n" for line in as_table(passwords))
    if not path.exists() or path.read_text() != table:
        making = path.with_name(f".{path.name}")
        with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(table)
        making.replace(path)
    return passwords


def as_table(passwords: dict[str, str]) -> list[str]:
    """One line a person: who it is, how to sign in, and what for."""
    lines = [("who", "role", "user name", "password", "comes to")]
    lines += [(c.full_name, c.role, c.username, passwords[c.username], c.comes_to) for c in PEOPLE]
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]


def _read(path: Path) -> dict[str, str]:
    """What the table says; a demonstration of an earlier day kept a user name and a password a line."""
    if not path.exists():
        return {}
    rows = [re.split(" {2,}", line) for line in path.read_text().splitlines()]
    return {row[2]: row[3] for row in rows if len(row) > 3} | dict(row[0].split() for row in rows if len(row) == 1)
