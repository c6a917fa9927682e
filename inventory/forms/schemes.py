"""The form in which a tiering scheme is written."""

import yaml
from django import forms

from inventory.forms.tiers import ReasonedForm

LARGEST = 100_000


class SchemeForm(ReasonedForm):
    content = forms.CharField(
        label="Scheme",
        max_length=LARGEST,
        widget=forms.Textarea({"rows": 28, "class": "mono", "spellcheck": "false"}),
        help_text="YAML: factors, axes with their cut-offs, the two matrices, and what each tier drives",
    )
    note = forms.CharField(
        label="What differs, and why",
        max_length=2_000,
        widget=forms.Textarea({"rows": 2}),
        help_text="Part of the record; whoever decides on it reads it",
    )

    def clean_content(self) -> dict:
        try:
            content = yaml.safe_load(self.cleaned_data["content"])
        except (yaml.YAMLError, RecursionError, ValueError) as problem:  # ValueError: a day or number that is none
            place = getattr(problem, "problem_mark", None)
            where = f" in line {place.line + 1}" if place else ""
            raise forms.ValidationError(f"This is no YAML{where}.") from problem
        if not isinstance(content, dict):
            raise forms.ValidationError("Fields are wanted: name, about, factors, axes, matrix, residual, tiers.")
        return content

    def add_problems(self, problems: dict[str, str]) -> None:
        """What is wrong in the scheme stands at its text, each with its place."""
        own = {name: words for name, words in problems.items() if name == "note"}
        super().add_problems(own)
        for place, words in problems.items():
            if place not in own:
                self.add_error("content", f"{place}: {words}")


# The database keeps no order of keys; a scheme is read from its name to what its tiers drive.
ORDER = (
    *("tier", "name", "about", "label", "part", "question", "weight", "points", "from", "to", "weights", "levels"),
    *("bands", "factors", "axes", "inherent", "materiality", "controls", "matrix", "residual", "tiers"),
)


def as_text(content: dict) -> str:
    """A scheme as YAML, in the order in which it is read."""
    return yaml.safe_dump(_ordered(content), sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


def _ordered(given):
    if isinstance(given, list):
        return [_ordered(item) for item in given]
    if not isinstance(given, dict):
        return given
    return {name: _ordered(given[name]) for name in sorted(given, key=_place)}


def _place(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)
