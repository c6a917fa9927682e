"""Forms about the network. A node is given by what people call it; without script, the first few are offered."""

from django import forms
from django.db.models import Q, QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import Account
from inventory.forms.tiers import ReasonedForm
from inventory.models import Asset, Dependency, Model

MOST_OFFERED = 50


class NodeInput(forms.TextInput):
    """A box with a list of the first few nodes."""

    offers: tuple[str, ...] = ()

    def render(self, name, value, attrs=None, renderer=None) -> SafeString:
        offers = f"{(attrs or {}).get('id') or name}_offers"
        return super().render(name, value, (attrs or {}) | {"list": offers}, renderer) + format_html(
            '<datalist id="{}">{}</datalist>',
            offers,
            format_html_join("", '<option value="{}"></option>', ((offer,) for offer in self.offers)),
        )


class NodeField(forms.CharField):
    """A model by its id or name, or an asset by its name; of those that the reader sees."""

    def __init__(self, **options):
        super().__init__(max_length=200, widget=NodeInput(attrs={"autocomplete": "off"}), **options)
        self.models, self.assets = Model.objects.none(), Asset.objects.none()

    def offer(self, account: Account) -> None:
        self.models, self.assets = Model.objects.visible_to(account), Asset.objects.in_use()
        assets = [asset.name for asset in self.assets[:MOST_OFFERED]]
        models = [f"{model.name} ({model.ref})" for model in self.models.order_by("name")[: MOST_OFFERED - len(assets)]]
        self.widget.offers = (*assets, *models)

    def clean(self, value) -> Model | Asset | None:
        typed = super().clean(value)
        if not typed:
            return None
        found = [*self._models(typed)[:2], *self.assets.filter(name__iexact=typed)[:2]]
        if len(found) == 1:
            return found[0]
        problem = "Several are called" if found else "There is no model or asset"
        raise forms.ValidationError(f"{problem} “{typed}”: give a model’s id, or the full name.")

    def _models(self, typed: str) -> QuerySet[Model]:
        ref = typed.rpartition("(")[2].rstrip(") ") if typed.rstrip().endswith(")") else typed
        return self.models.filter(Q(ref__iexact=ref) | Q(name__iexact=typed))


class DependencyForm(ReasonedForm):
    """A line between the model of the page and another node, as one says it from the model."""

    line = forms.ChoiceField(label="This model")
    other = NodeField(label="Which", help_text="A model by id or name; a source, vendor, component by name")
    note = forms.CharField(required=False, max_length=300, label="What flows or is shared")

    def __init__(self, *args, by: Account, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["other"].offer(by)
        self.fields["line"].choices = [(value, words) for value, (words, _, _) in LINES.items()]

    def ends(self, model: Model) -> dict:
        """kind, source and target, as the service takes them."""
        _, kind, is_source = LINES[self.cleaned_data["line"]]
        ends = (model, self.cleaned_data["other"])
        source, target = ends if is_source else reversed(ends)
        return {"kind": kind, "source": source, "target": target, "note": self.cleaned_data["note"]}

    def add_problems(self, problems: dict[str, str]) -> None:
        super().add_problems({"other" if name == "target" else name: words for name, words in problems.items()})


# value → what one says, kind, whether the model is its source
LINES = {
    "fed-by": ("is fed by", Dependency.Kind.FEEDS, False),
    "feeds": ("feeds", Dependency.Kind.FEEDS, True),
    "derived-from": ("is derived from", Dependency.Kind.DERIVED_FROM, True),
    "challenger-of": ("is a challenger of", Dependency.Kind.CHALLENGER_OF, True),
    "overlay-on": ("is an overlay on", Dependency.Kind.OVERLAY_ON, True),
    "shares-data": ("shares data with, or from", Dependency.Kind.SHARES_DATA, False),
    "shares-component": ("shares a component with, or from", Dependency.Kind.SHARES_COMPONENT, False),
}


class AssetForm(ReasonedForm):
    kind = forms.ChoiceField(choices=Asset.Kind.choices, label="Kind")
    name = forms.CharField(max_length=200, label="Name", help_text="As the whole bank calls it")
    description = forms.CharField(
        required=False, max_length=10_000, label="Description", widget=forms.Textarea({"rows": 3})
    )


class ChangeForm(ReasonedForm):
    what = forms.CharField(max_length=1_000)


class OutcomeForm(ReasonedForm):
    outcome = forms.CharField(max_length=1_000)
