"""Regimes as data: a file becomes a published version that never changes, and a page of clauses."""

from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from accounts.refusals import NotNow
from audit.models import Entry
from inventory import services
from inventory.management.commands import load_frameworks
from inventory.models import Clause, Framework
from inventory.sources import DataFile, framework_files
from tests.pages import browser_of, text_of


@pytest.fixture
def files() -> dict[str, DataFile]:
    return {file.content["code"]: file for file in framework_files()}


def test_every_file_is_published_once_however_often_it_is_loaded(cast):
    call_command("load_frameworks", verbosity=0)
    counted = Framework.objects.count(), Clause.objects.count()
    call_command("load_frameworks", verbosity=0)

    published = Entry.objects.filter(event="inventory.framework_published")
    assert counted == (Framework.objects.count(), Clause.objects.count()) == (10, published_clauses())
    assert published.count() == 10


def published_clauses() -> int:
    return sum(len(file.content["clauses"]) for file in framework_files())


def test_a_published_version_with_other_content_is_refused(cast, files):
    services.publish_framework(file=files["e-23"], by=None)

    with pytest.raises(NotNow, match="raise the version in the file"):
        services.publish_framework(file=replace(files["e-23"], sha256="0" * 64), by=None)


def test_the_command_says_which_file_changed_under_its_version(cast, files, monkeypatch):
    services.publish_framework(file=files["e-23"], by=None)
    changed = replace(files["e-23"], sha256="0" * 64)
    monkeypatch.setattr(load_frameworks, "framework_files", lambda: [changed])

    with pytest.raises(CommandError, match=r"ca-e-23\.yaml now has 0000"):
        call_command("load_frameworks")


def test_a_new_regulator_and_a_new_version_are_new_files_and_nothing_else(cast, files):
    ours = files["e-23"].content
    services.publish_framework(file=files["e-23"], by=None)
    for content in (ours | {"version": 2}, ours | {"code": "finma-mrm", "short_name": "FINMA"}):
        services.publish_framework(file=DataFile("new.yaml", content, "1" * 64), by=None)

    assert [(f.code, f.version) for f in Framework.objects.newest().order_by("code")] == [("e-23", 2), ("finma-mrm", 1)]
    assert Clause.objects.filter(framework__code="e-23").count() == 60


@pytest.mark.parametrize("change", [{"note": "Softer"}, {"asked_of_all": []}, {"version": 9}])
def test_the_database_refuses_to_change_what_is_published(cast, files, change):
    framework, _ = services.publish_framework(file=files["e-23"], by=None)

    with pytest.raises(IntegrityError, match="never changes"):
        Framework.objects.filter(pk=framework.pk).update(**change)


@pytest.mark.outside_portal
def test_twin_without_its_trigger_a_published_regime_could_be_softened(cast, files, superuser):
    framework, _ = services.publish_framework(file=files["e-23"], by=None)
    superuser.execute("alter table inventory_framework disable trigger hold_columns")

    assert Framework.objects.filter(pk=framework.pk).update(note="Softer") == 1


def test_the_list_names_each_regime_and_what_is_to_be_checked(cast):
    call_command("load_frameworks", verbosity=0)

    page = text_of(browser_of(cast.validator).get("/frameworks/"))

    assert "10 published" in page
    assert "SS1/23" in page
    assert "Rescinded" in page
    assert "Secondary article" in page


def test_the_list_says_how_regimes_come_where_there_is_none(cast):
    assert "load_frameworks" in text_of(browser_of(cast.officer).get("/frameworks/"))


def test_a_regime_shows_its_clauses_and_whose_refs_they_are(cast):
    call_command("load_frameworks", verbosity=0)

    page = text_of(browser_of(cast.validator).get("/frameworks/sr-26-2/"))

    assert "26-2/III-2" in page
    assert "Portal reference" in page
    assert "proof-read these lines" in page


def test_a_clause_that_was_not_checked_says_so(cast):
    call_command("load_frameworks", verbosity=0)

    page = text_of(browser_of(cast.validator).get("/frameworks/ecb-internal-models/"))

    assert "Check against the source" in page


def test_an_older_version_can_be_read(cast, files):
    for version in (1, 2):
        content = files["e-23"].content | {"version": version}
        services.publish_framework(file=DataFile("x.yaml", content, str(version) * 64), by=None)
    browser = browser_of(cast.validator)

    assert "1111…1111" in text_of(browser.get("/frameworks/e-23/?version=1"))
    assert "2222…2222" in text_of(browser.get("/frameworks/e-23/"))


@pytest.mark.parametrize("where", ["/frameworks/none/", "/frameworks/e-23/?version=7"])
def test_a_regime_that_is_not_there_is_not_found(cast, where):
    assert browser_of(cast.officer).get(where).status_code == 404


@pytest.mark.parametrize("where", ["/frameworks/", "/frameworks/e-23/"])
def test_pages_of_regimes_only_read(cast, where):
    assert browser_of(cast.officer).post(where).status_code == 405
