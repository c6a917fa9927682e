"""docs/states.md: what a record can be and where it can go from there, drawn from the code's own tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from django.db import models

INTRODUCTION = """# States

What a record can be, and where it can go from there. A step that is not listed is refused by the service, with a
sentence, and by a trigger in the database, for whoever writes.

`manage.py draw_states` writes this page from the tables of transitions beside the models; a test compares the two.
"""


@dataclass(frozen=True)
class StateTable:
    """Where the states of one field may go. `edges` names every state of `states`."""

    model: type[models.Model]
    field: str
    states: type[models.TextChoices]
    edges: Mapping[models.TextChoices, set[models.TextChoices]]

    @property
    def name(self) -> str:
        return f"{self.model._meta.label}.{self.field}"

    def pairs(self) -> list[tuple[str, str]]:
        """(from, to) of every step that exists, in the order of the states."""
        return [(start.value, end.value) for start in self.states for end in self.states if end in self.edges[start]]


def state_tables() -> list[StateTable]:
    """Every table of transitions that an app of ours keeps beside its models, by name."""
    ours = [config for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR]
    return sorted((table for config in ours for table in _tables_of(config)), key=lambda table: table.name)


def states_page() -> str:
    """The whole of docs/states.md."""
    return INTRODUCTION + "".join(_section(table) for table in state_tables())


def _tables_of(config: AppConfig) -> Iterator[StateTable]:
    seen = set()
    for module in [m for name, m in sys.modules.items() if f"{name}.".startswith(f"{config.name}.models.")]:
        for name, edges in vars(module).items():
            if name.endswith("TRANSITIONS") and id(edges) not in seen:
                seen.add(id(edges))
                yield _table(config, edges)


def _table(config: AppConfig, edges: Mapping) -> StateTable:
    states = type(next(iter(edges)))
    model, field = next(
        (model, field.name)
        for model in config.get_models()
        for field in model._meta.fields
        if field.choices and list(field.choices) == states.choices
    )
    return StateTable(model, field, states, edges)


def _section(table: StateTable) -> str:
    title = f"{table.model._meta.verbose_name.capitalize()}: {table.field.replace('_', ' ')}"
    return f"\n## {title}\n\n{_diagram(table)}\n\n{_rows(table)}\n"


def _diagram(table: StateTable) -> str:
    first = table.model._meta.get_field(table.field).get_default()
    lines = [f"[*] --> {first}", *(f"{start} --> {end}" for start, end in table.pairs())]
    lines += [f"{state.value} --> [*]" for state in table.states if not table.edges[state]]
    return "\n".join(["```mermaid", "stateDiagram-v2", *(f"    {line}" for line in lines), "```"])


def _rows(table: StateTable) -> str:
    lines = ["| state | shown as | may become |", "|---|---|---|"]
    for state in table.states:
        following = [end.value for end in table.states if end in table.edges[state]]
        lines.append(
            f"| `{state.value}` | {state.label} | {', '.join(f'`{f}`' for f in following) or 'nothing else'} |"
        )
    return "\n".join(lines)
