"""Every address of the portal, as nobody and as a person of another unit: sign in, 404, or a line below.

A new address fails here until its objects, or its reason to be open, are written down.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.test import Client
from django.urls import URLPattern, get_resolver, path, reverse
from django.utils import timezone

from accounts import services as accounts
from accounts.roles import SCOPES, Role
from audit import checkpoints, epochs, signed_note
from audit.models import Artefact, Attachment, Entry, subject_name
from inventory import services as inventory
from inventory.filters import models_asked_for
from inventory.models import NOUNS
from inventory.policies import WORDS_OF_ADDRESSES
from inventory.services.change_rows import Row
from inventory.sources import framework_files
from jobs.models import Job
from monitoring.models import Monitor, Reference, Run, Window
from monitoring.models.monitor import MonitorQuerySet
from proposals import services as proposals
from tests import logs
from tests.cast import PASSWORD, accepted_token
from tests.tiering import SHIPPED, publish, rate

METHODS = ("get", "head", "post", "put", "patch", "delete")
NAME = "Quokka behavioural scorecard"  # a word that no page says by itself
EXTERNAL_ID = "quokka/behavioural-pd"

# A record below the model's for each kind that has an address of its own.
PARTS = {
    "uses": {"purpose": "Quokka"},
    "assumptions": {"statement": "Quokka"},
    "limitations": {"statement": "Quokka", "mitigant": "none", "use_limit": "none"},
    "overlays": {"name": "Quokka", "unit": "basis_points", "rationale": "Quokka", "expires_on": date(2099, 1, 1)},
    "exceptions": {"rule": "Quokka", "reason": "none", "mitigant": "none", "expires_on": date(2099, 1, 1)},
    "responsibilities": {"duty": "reviewer"},
}

# Open to everybody, signed in or not.
OPEN_TO_ALL = {
    "sign-in": "this is where one says who one is",
    "health": "for load balancers; says nothing of the bank",
    "api-schema": "the API's description, as it stands in the sources; names no record",
    "api-unknown": "what the API does not have, the same for everybody; names no record",
}
# Open to whoever is signed in; what they list is tried below, for what it must not show.
OPEN_TO_THE_SIGNED_IN = {
    "home": "what the reader's own units need",
    "models": "models of the reader's units",
    "saved-views": "the reader's own views, and those that others share",
    "export-models": "a file of models of the reader's units",
    "import-models": "a form; what is sent is planned for the reader alone",
    "import-template": "the same file for everybody",
    "change-models": "plans changes of models that the reader sees",
    "save-view": "keeps a view of the reader's own; names no model",
    "breaches": "breaches of the reader's units",
    "audit": "entries of the reader's models",
    "verifier": "the same file for everybody",
    "schemes": "how the bank tiers its models is for everybody to read",
    "scheme": "as above; its effect is shown on models of the reader's units",
    "network": "lines between models of the reader's units, and what the whole bank knows beside models",
    "asset": "known to the whole bank; what rests on it, of the reader's units",
    "concentration": "models of the reader's units",
    "add-asset": "whoever registers models names what they rest on",
    "tokens": "the reader's own tokens",
    "sign-out": "ends the reader's own session",
    "api-guide": "the same for people",
    "record-fields": "fields that every record may have; names no record",
    "frameworks": "what supervisors ask for, the same for everybody; names no record",
    "framework": "as above",
    "find": "units, and of people and models what the reader may see",
    "api-upsert-models": "registers and changes what the reader may; names no model",
    "api-models": "models of the reader's units",
    "api-schemes": "how the bank tiers its models is for everybody to read",
    "api-scheme-effect": "as above; its effect on models of the reader's units",
    "api-concentrations": "models of the reader's units",
    "api-breaches": "breaches of the reader's units",
}
# 403 for who lacks the role, whatever stands behind the address: it is said before anything is looked for.
FORBIDDEN = {
    "administration": "people and roles are for who may see administration",
    "propose-role": "as above",
    "decide-proposal": "as above; the number is not looked at",
    "withdraw-proposal": "as above",
    "end-role": "as above",
    "add-unit": "as above",
    "add-person": "as above",
    "disable-person": "as above",
    "enable-person": "as above",
    "propose-token": "as above",
    "add-account": "as above",
    "epochs": "the log's key is for who may see administration",
    "propose-epoch": "as above",
    "decide-epoch": "as above; the number is not looked at",
    "withdraw-epoch": "as above",
    "draft-scheme": "schemes are kept by model risk officers",
    "edit-scheme": "as above",
    "propose-scheme": "as above; the number is not looked at",
    "discard-scheme": "as above",
    "decide-scheme": "as above",
    "withdraw-scheme": "as above",
    "note-asset-change": "what the whole bank shares is kept by model risk officers",
    "retire-asset": "as above",
    "jobs": "background work is for who may see it",
    "retry-job": "as above; the number is not looked at",
    "retire-field": "fields are for officers; the key is not looked at",
}
# For each address with a number in it, what the number is of.
NUMBERS = {
    "judge-rating": "assessment",
    "decide-override": "override_proposal",
    "withdraw-override": "override_proposal",
    "take-back-override": "override",
    "scheme": "scheme",
    "api-scheme-effect": "scheme",
    "edit-scheme": "scheme",
    "propose-scheme": "scheme",
    "discard-scheme": "scheme",
    "decide-scheme": "scheme_proposal",
    "withdraw-scheme": "scheme_proposal",
    "end-dependency": "dependency",
    "asset": "asset",
    "note-asset-change": "asset",
    "retire-asset": "asset",
    "settle-review": "mark",
    "ask-for-run": "monitor",
    "api-runs": "monitor",
    "api-windows": "monitor",
    "run": "run",
    "repeat-run": "run",
    "cancel-run": "run",
    "api-run": "run",
    "api-window": "window",
    "api-explanation": "window",
    "api-files": "window",
    "api-file": "attachment",
    "explain-state": "window",
    "report-state": "window",
    "explain-again": "window",
    "report-again": "window",
    "ask-exact": "window",
    "exact-state": "window",
    "api-exact": "window",
    "receipt": "entry",
    "file": "attachment",
    "report-page": "attachment",
    "decide-proposal": "proposal",
    "withdraw-proposal": "proposal",
    "decide-epoch": "epoch",
    "withdraw-epoch": "epoch",
    "end-role": "assignment",
    "disable-person": "person",
    "enable-person": "disabled",
    "collect-token": "accepted",
    "retry-digest": "version",
    "classify-change": "version",
    "retry-job": "job",
    "saved-view": "view",
    "export": "export",
    "change-set": "changes",
    "apply-changes": "changes",
    "discard-changes": "changes",
    "export-file": "export",
    "share-view": "view",
    "remove-view": "view",
    "revoke-token": "token",
}


# ---- the addresses ------------------------------------------------------------------------------------------
def routes(patterns=None) -> list[URLPattern]:
    patterns = get_resolver().url_patterns if patterns is None else patterns
    return [
        route
        for pattern in patterns
        for route in ([pattern] if isinstance(pattern, URLPattern) else routes(pattern.url_patterns))
    ]


def names() -> list[str]:
    return sorted({str(route.name) for route in routes()})


def route_of(name: str) -> URLPattern:
    return next(route for route in routes() if route.name == name)


def address(name: str, things: SimpleNamespace) -> str:
    """The address of the retail unit's object. Fails for a route that this file does not know."""
    return reverse(name, kwargs=parameters(name, things))


def parameters(name: str, things: SimpleNamespace) -> dict:
    """What stands in the route's address for the retail unit's object."""
    found = {}
    for parameter in route_of(name).pattern.converters:
        if parameter in ("number", "entry"):
            assert name in NUMBERS, f"{name} is unknown here: say in NUMBERS what its number is of"
            found[parameter] = getattr(things, NUMBERS[name]).pk
        else:
            assert parameter in things.words, f"{name} is unknown here: {parameter} is not among the words"
            found[parameter] = things.words[parameter]
    return found


def words_behind_a_model() -> set[str]:
    """Literal parts of the API's addresses behind `models/<path:ref>/`."""
    behind = [str(route.pattern).partition("<path:ref>/")[2] for route in routes()]
    return {word for tail in behind for word in tail.split("/") if word and not word.startswith("<")}


def test_no_external_id_can_hold_a_word_of_the_apis_addresses():
    assert words_behind_a_model() == set(WORDS_OF_ADDRESSES)


def test_a_word_that_an_address_gains_is_seen(monkeypatch):
    gained = path("models/<path:ref>/quokkas/", lambda request, ref: None, name="quokkas")
    monkeypatch.setattr(get_resolver(), "url_patterns", [*get_resolver().url_patterns, gained])

    assert words_behind_a_model() - set(WORDS_OF_ADDRESSES) == {"quokkas"}


# ---- the objects and the people -------------------------------------------------------------------------------
@pytest.fixture
def things(cast) -> SimpleNamespace:
    """One of everything, all of it in the retail unit."""
    model, _ = inventory.register_model(
        external_id=EXTERNAL_ID,
        name=NAME,
        kind="statistical",
        unit=cast.retail,
        owner=cast.owner.person,
        by=cast.owner,
    )
    version, _ = inventory.register_version(model=model, label="1.0.0", mlflow_uri="models:/q/1", by=cast.owner)
    monitor = Monitor.objects.create(
        model=model,
        version=version,
        name="Quokka log",
        location="/nowhere",
        columns=logs.COLUMNS,
        reference_location="/nowhere",
        seed=1,
        explained={"flavour": "sklearn", "method": "predict_proba"},
        defined_by=cast.owner.person,
    )
    reference = Reference.objects.create(
        model=model, monitor=monitor, number=1, sha256="a" * 64, sample_sha256="b" * 64, rows=1, inputs={}
    )
    job = Job.objects.create(task="monitoring.run", state=Job.State.REFUSED, finished_at=timezone.now())
    run = Run.objects.create(model=model, monitor=monitor, job=job, reference=reference, labels_as_of=timezone.now())
    window = Window.objects.create(
        monitor=monitor,
        run=run,
        start_on=date(2026, 1, 1),
        end_on=date(2026, 1, 31),
        revision=1,
        rows=1,
        labelled=0,
        state_sha256="c" * 64,
    )
    for task in ("explain", "report"):
        Job.objects.create(task=f"monitoring.{task}", key=f"monitoring.{task}:{window.pk}", state=Job.State.POISONED)
    for file in framework_files():
        inventory.publish_framework(file=file, by=None)
    for key, values in PARTS.items():
        person = {"person": cast.validator.person} if key == "responsibilities" else {}
        inventory.add_part(model=model, noun=NOUNS[key], values=values | person, by=cast.owner)
    inventory.define_field(key="vendor_name", label="Vendor", type="text", by=cast.officer)
    token, _ = make_token(cast.owner, cast.retail)
    tiers = tiered(cast, model)
    checkpoints.checkpoint_if_needed(checkpoints.log_signer())
    return SimpleNamespace(
        model=model,
        version=version,
        monitor=monitor,
        run=run,
        window=window,
        job=job,
        token=token,
        changes=inventory.plan_changes(
            kind="import", rows=[Row(1, {"external_id": EXTERNAL_ID, "name": NAME})], by=cast.owner
        ),
        export=exported(cast.owner),
        view=inventory.save_view(name="Quokka view", query="tier=1", by=cast.owner),
        attachment=file_on(window, model),
        entry=Entry.objects.on_trail(subject_name(model)).first(),
        proposal=proposals.propose_role(
            person=cast.developer.person, role=Role.OWNER, unit=cast.retail, reason="Needed", by=cast.administrator
        ),
        epoch=epoch_proposal(cast.administrator),
        assignment=cast.owner.person.roles.get(),
        person=cast.owner.person,
        disabled=accounts.disable_person(person=cast.member.person, reason="Left", by=cast.administrator),
        accepted=accepted_token(cast.pipeline, scopes=["models:read"], unit=cast.retail),
        **tiers,
        words={"ref": model.ref, "label": "1.0.0", "column": "income", "kind": "models", "code": "ss1-23"}
        | {"noun": "uses", "item": 1, "key": "vendor_name"},
    )


def tiered(cast, model) -> dict:
    """A scheme in force and one that is proposed, the model rated, one override in force, one asked for; a network."""
    publish(cast)
    draft = inventory.draft_scheme(content=SHIPPED, note="Next", by=cast.officer)
    rate(model, cast.owner, height=3)
    asked = {"model": model, "reason": "Quokka", "until": timezone.localdate() + timedelta(days=9), "by": cast.owner}
    first, second = (inventory.propose_override(tier=tier, **asked) for tier in (2, 3))
    inventory.decide_override(proposal=first, accept=True, reason="Quokka", by=cast.officer)
    asset, _ = inventory.register_asset(kind="vendor", name="Scores Ltd", by=cast.officer)
    dependency, _ = inventory.add_dependency(kind="feeds", source=asset, target=model, note=NAME, by=cast.owner)
    return {
        "scheme": draft,
        "scheme_proposal": inventory.propose_scheme(scheme=draft, reason="Agreed", by=cast.officer),
        "assessment": model.assessments.get(),
        "override_proposal": second,
        "override": model.overrides.get(),
        "asset": asset,
        "dependency": dependency,
        "mark": inventory.note_material_change(upstream=asset, what=NAME, by=cast.officer)[0],
    }


@pytest.fixture
def missing(things) -> SimpleNamespace:
    """Names and numbers of the same shape that nothing has."""
    nothing = SimpleNamespace(pk=10**9)
    return SimpleNamespace(**dict.fromkeys(NUMBERS.values(), nothing), words=things.words | {"ref": "MDL-1999-0001"})


def epoch_proposal(by):
    key = checkpoints.log_key()
    new = signed_note.Signer(key.partition("+")[0], signed_note.LOG, Ed25519PrivateKey.generate())
    ending = epochs.ending(reason=epochs.ROTATION, key=key, files=[])
    return proposals.propose_epoch(ending=ending, new_key=new.verifier_key, reason="Needed", password=PASSWORD, by=by)


def file_on(window: Window, model) -> Attachment:
    content = b"<p>Quokka</p>"
    sha256 = hashlib.sha256(content).hexdigest()
    file = settings.ARTEFACT_ROOT / sha256[:2] / sha256
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    artefact = Artefact.objects.create(
        sha256=sha256, size=len(content), media_type="text/html", retention="record", trail=subject_name(model)
    )
    return Attachment.objects.create(
        artefact=artefact,
        subject=subject_name(window),
        trail=subject_name(model),
        role="evidently page",
        name="quokka.html",
        code_version="test",
    )


def exported(account):
    export = inventory.ask_for_export(query="", form="csv", by=account)
    return inventory.write_export(export=export, models=models_asked_for(QueryDict(), account), columns="", by=account)


def make_token(account, unit):
    return accounts.make_token(
        account=account,
        name="walk",
        scopes=list(SCOPES),
        unit=unit,
        expires_at=timezone.now() + timedelta(days=1),
        by=account,
    )


def browser_of(account=None) -> Client:
    client = Client(raise_request_exception=False)
    if account:
        client.force_login(account, backend="accounts.backends.ActiveAccountBackend")
    return client


def statuses(client: Client, name: str, things, *, methods=METHODS, **headers) -> dict[str, int]:
    where = address(name, things)
    return {method: status(client, method, where, headers) for method in methods}


def status(client: Client, method: str, where: str, headers: dict) -> int:
    body = {} if method in ("get", "head") else {"data": "{}", "content_type": "application/json"}
    return getattr(client, method)(where, headers=headers, **body).status_code


def closed() -> list[str]:
    """Addresses behind which there is nothing for a person of another unit."""
    return [name for name in names() if name not in OPEN_TO_ALL | OPEN_TO_THE_SIGNED_IN]


def telling(found: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Addresses that do not say 404 by every method that they know; of those in FORBIDDEN, that do not say 403."""
    hidden = {name: answers for name, answers in found.items() if name not in FORBIDDEN}
    forbidden = {name: answers for name, answers in found.items() if name in FORBIDDEN}
    return unguarded(hidden, refusals={404}) | unguarded(forbidden, refusals={403})


def unguarded(found: dict[str, dict[str, int]], *, refusals: set[int]) -> dict[str, dict[str, int]]:
    """Addresses that did not refuse: some method got through, or none was refused for who asked."""
    return {
        name: answers
        for name, answers in found.items()
        if set(answers.values()) - refusals - {405} or not set(answers.values()) & refusals
    }


# ---- the walk -------------------------------------------------------------------------------------------------
def test_every_address_has_a_name_and_is_known_here(things):
    assert [str(route.pattern) for route in routes() if not route.name] == []
    assert all(address(name, things) for name in names())
    assert set(OPEN_TO_ALL) | set(OPEN_TO_THE_SIGNED_IN) | set(FORBIDDEN) | set(NUMBERS) <= set(names())


def test_nobody_gets_further_than_the_sign_in(things):
    found = {name: statuses(browser_of(), name, things) for name in names() if name not in OPEN_TO_ALL}

    assert unguarded(found, refusals={302, 401}) == {}
    for name in ("home", "run", "model"):
        assert browser_of().get(address(name, things))["Location"].startswith(reverse("sign-in"))


def test_a_person_of_another_unit_finds_nothing_by_address(cast, things):
    found = {name: statuses(browser_of(cast.stranger), name, things) for name in closed()}

    assert telling(found) == {}


def test_a_token_of_another_unit_finds_nothing_by_address(cast, things):
    _, secret = make_token(cast.stranger, cast.markets)
    headers = {"authorization": f"Bearer {secret}"}
    found = {n: statuses(browser_of(), n, things, **headers) for n in closed() if n.startswith("api-")}

    assert telling(found) == {}


def test_an_object_of_another_unit_is_answered_as_one_that_does_not_exist(cast, things, missing):
    stranger, methods = browser_of(cast.stranger), (*METHODS, "options")
    _, secret = make_token(cast.stranger, cast.markets)

    for name in closed():
        assert statuses(stranger, name, things, methods=methods) == statuses(stranger, name, missing, methods=methods)
        if name.startswith("api-"):
            asked = {"methods": methods, "authorization": f"Bearer {secret}"}
            assert statuses(browser_of(), name, things, **asked) == statuses(browser_of(), name, missing, **asked)


def test_what_is_open_to_the_signed_in_shows_nothing_of_another_unit(cast, things):
    client = browser_of(cast.stranger)
    shown = {}
    for name in OPEN_TO_THE_SIGNED_IN.keys() - {
        "sign-out",
        "save-view",
        "export-models",
        "change-models",
        "api-upsert-models",
    }:
        for query in ("", f"?q={NAME[:6]}", f"?entry={things.entry.pk}"):
            answer = client.get(address(name, things) + query)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            assert answer.status_code in (200, 422), (name, answer.status_code)
            shown[name + query] = NAME.encode() in body or EXTERNAL_ID.encode() in body

    echoes = {name for name in shown if "?q=" in name}  # a form shows what was typed, six letters of the name
    assert [name for name, is_shown in shown.items() if is_shown and name not in echoes] == []
    assert not any(shown[name] for name in echoes)


def test_nothing_is_written_by_all_that_was_refused(cast, things):
    before = Entry.objects.count(), Job.objects.count()

    for name in closed():
        statuses(browser_of(cast.stranger), name, things)

    assert (Entry.objects.count(), Job.objects.count()) == before


def test_twin_who_may_see_the_objects_finds_each_of_them(cast, things):
    refused, without = {}, {"api-explanation"}  # nobody has explained the window; test_read_by_rest has one explained
    last = "remove-view"  # behind it the view is gone
    for name in sorted(set(names()) - set(OPEN_TO_ALL) - without, key=lambda name: name == last):
        asked_by = (cast.officer, cast.administrator, cast.owner)
        answers = [statuses(browser_of(account), name, things) for account in asked_by]
        if {status for answer in answers for status in answer.values()} <= {403, 404, 405}:
            refused[name] = answers

    assert refused == {}


@pytest.mark.parametrize(
    ("answers", "is_unguarded"),
    [
        ({"get": 404, "post": 405}, False),
        ({"get": 200, "post": 405}, True),
        ({"get": 404, "post": 302}, True),
        ({"get": 405, "post": 405}, True),
        ({"get": 500, "post": 404}, True),
    ],
)
def test_an_address_that_lets_somebody_through_is_found(answers, is_unguarded):
    assert bool(telling({"x": answers})) == is_unguarded


@pytest.mark.parametrize(
    ("name", "answers", "is_telling"),
    [
        ("run", {"get": 404, "post": 403}, True),
        ("run", {"get": 403, "post": 405}, True),
        ("jobs", {"get": 403, "post": 405}, False),
        ("jobs", {"get": 404, "post": 403}, True),
    ],
)
def test_403_is_right_where_it_is_written_down_alone(name, answers, is_telling):
    assert bool(telling({name: answers})) == is_telling


def look_up_by_number_alone(monkeypatch):
    monkeypatch.setattr(
        "inventory.views.model.get_object_or_404", lambda rows, *, pk, **_seen: get_object_or_404(rows, pk=pk)
    )


def show_every_monitor(monkeypatch):
    monkeypatch.setattr(MonitorQuerySet, "visible_to", lambda self, account: self)


@pytest.mark.parametrize(
    ("name", "seed"), [("retry-digest", look_up_by_number_alone), ("api-runs", show_every_monitor)]
)
def test_twin_a_view_that_asks_what_one_may_before_what_one_sees_tells_that_the_object_is_there(
    cast, things, monkeypatch, name, seed
):
    seed(monkeypatch)

    assert telling({name: statuses(browser_of(cast.stranger), name, things)})


def test_an_address_that_nobody_wrote_down_fails(things, monkeypatch):
    monkeypatch.delitem(NUMBERS, "run")

    with pytest.raises(AssertionError, match="say in NUMBERS"):
        address("run", things)
