"""A scheme in force, and models rated by it, made through the services as the people of a bank would."""

from accounts.models import Account, Unit
from accounts.roles import Role
from inventory import services
from inventory.measures.scheme import read_scheme
from inventory.models import Assessment, Model, TieringScheme
from tests.cast import hire

SHIPPED = services.shipped_scheme()
SCHEME = read_scheme(SHIPPED)


def second_officer() -> Account:
    """Otto, who is model risk officer too; the same one again where he was hired before."""
    known = Account.objects.filter(username="otto").first()
    return known or hire(Role.OFFICER, Unit.objects.get(code="group"), "Otto Officer", bank_wide=True)


def publish(cast, content: dict = SHIPPED, note: str = "First scheme of the bank") -> TieringScheme:
    """Priya drafts and proposes, Otto accepts."""
    scheme = services.draft_scheme(content=content, note=note, by=cast.officer)
    proposal = services.propose_scheme(scheme=scheme, reason="Agreed in committee", by=cast.officer)
    services.decide_scheme(proposal=proposal, accept=True, reason="Checked", by=second_officer())
    scheme.refresh_from_db()
    return scheme


def answers(height: int = 0, **levels: str) -> dict:
    """An answer for every factor: its lowest level, or its `height`-th, or the one that is named."""
    given = {f.name: levels.get(f.name, f.levels[min(height, len(f.levels) - 1)].name) for f in SCHEME.factors}
    return {name: {"level": level, "rationale": f"Because of {name}"} for name, level in given.items()}


def register(cast, name: str, **changed) -> Model:
    wanted = {"kind": "statistical", "unit": cast.retail, "owner": cast.owner.person, "by": cast.officer} | changed
    model, _ = services.register_model(external_id=name.lower().replace(" ", "-"), name=name, **wanted)
    return model


def rate(model: Model, by: Account, height: int = 0, exposure=None, **levels: str) -> Assessment:
    return services.rate_model(model=model, answers=answers(height, **levels), exposure=exposure, by=by)
