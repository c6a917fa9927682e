"""Forms about a model's tier. Refusals of the services come back to their fields."""

from django import forms

from inventory.measures.scheme import Factor, Scheme
from inventory.models import Assessment

WHY = "_why"  # behind a factor's name: the rationale of its answer


class ReasonedForm(forms.Form):
    """A form whose service may refuse single fields."""

    def add_problems(self, problems: dict[str, str]) -> None:
        for name, words in problems.items():
            self.add_error(name if name in self.fields else None, words)


class RatingForm(ReasonedForm):
    """Two fields for each factor of a scheme: its level, and why."""

    amount = forms.DecimalField(
        required=False,
        max_digits=14,
        decimal_places=2,
        min_value=0,
        label="Exposure in millions",
        help_text="In the bank's currency; concentration is measured in it. Empty where nobody knows",
    )

    def __init__(self, *args, scheme: Scheme, before: Assessment | None, **kwargs):
        known = before.answers if before else {}
        given = {f.name: known[f.name]["level"] for f in scheme.factors if f.name in known}
        whys = {f"{f.name}{WHY}": known[f.name]["rationale"] for f in scheme.factors if f.name in known}
        initial = given | whys | {"amount": before.exposure if before else None}
        super().__init__(*args, initial=initial, **kwargs)
        self.scheme = scheme
        for factor in scheme.factors:
            is_optional = factor.part == "controls"
            self.fields[factor.name] = _level_field(factor, is_required=not is_optional)
            self.fields[f"{factor.name}{WHY}"] = _why_field(factor, is_required=not is_optional)

    def groups(self) -> list[dict]:
        """The bound fields by part of the scheme, each factor's two together."""
        from_parts: dict[str, list[Factor]] = {}
        for factor in self.scheme.factors:
            from_parts.setdefault(factor.part, []).append(factor)
        return [
            {"part": part, "pairs": [(self[factor.name], self[f"{factor.name}{WHY}"]) for factor in factors]}
            for part, factors in from_parts.items()
        ]

    def answers(self) -> dict[str, dict[str, str]]:
        given = self.cleaned_data
        return {
            factor.name: {"level": given.get(factor.name, ""), "rationale": given.get(f"{factor.name}{WHY}", "")}
            for factor in self.scheme.factors
        }


def _level_field(factor: Factor, is_required: bool) -> forms.ChoiceField:
    levels = [(level.name, f"{level.label} ({float(level.points):g})") for level in factor.levels]
    return forms.ChoiceField(
        choices=[("", "Choose a level" if is_required else "Not answered"), *levels],
        required=is_required,
        label=factor.label,
        help_text=factor.question,
    )


def _why_field(factor: Factor, is_required: bool) -> forms.CharField:
    return forms.CharField(
        required=is_required,
        max_length=2_000,
        label=f"Why, {factor.label.lower()}",
        widget=forms.Textarea({"rows": 2}),
    )


class OverrideForm(ReasonedForm):
    tier = forms.TypedChoiceField(coerce=int, label="Tier")
    until = forms.DateField(
        label="Last day",
        widget=forms.DateInput({"type": "date"}),
        help_text="The computed tier holds again on the day after",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=1_000,
        widget=forms.Textarea({"rows": 2}),
        help_text="Part of the record; the second person reads it",
    )

    def __init__(self, *args, tiers: list[tuple[int, str]], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["tier"].choices = tiers


class JudgementForm(ReasonedForm):
    judgement = forms.ChoiceField(choices=[("confirm", "Confirm"), ("challenge", "Challenge")])
    reason = forms.CharField(max_length=1_000)


class DecisionForm(ReasonedForm):
    decision = forms.ChoiceField(choices=[("accept", "Accept"), ("decline", "Decline")])
    reason = forms.CharField(max_length=1_000)


class ReasonForm(ReasonedForm):
    reason = forms.CharField(max_length=1_000)
