"""The commands of the API guide, taken from the page as it prints them, run by a shell against a server."""

import json
import os
import re
import shutil
import subprocess
from datetime import timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Unit
from jobs import services as jobs
from jobs.models import Job
from monitoring.models import Run
from portal.walkthrough import ANSWERS, STEPS, filled, own_words
from tests import logs
from tests.cast import hire
from tests.pages import browser_of, text_of
from tests.services.web_server import start_web
from worker.running import run_claimed
from worker.tasks import monitoring as tasks

BY_DATA = {"inputs"}  # keys that name files of the log


@pytest.fixture
def server(cast, tmp_path):
    server = start_web(tmp_path / "web.log")
    yield server
    server.stop()


@pytest.fixture
def folder():
    """Where the page says that the logs lie."""
    folder = settings.LOG_ROOTS[0][1] / "application-pd"
    logs.write_log(folder / "reference", seed=1, months=2, rows=1500)
    logs.write_log(folder / "log", seed=2, months=2, rows=1500)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def token(cast) -> str:
    _, secret = accounts.make_token(
        account=cast.owner,
        name="walkthrough",
        scopes=["models:write", "monitoring:write"],
        unit=cast.retail,
        expires_at=timezone.now() + timedelta(days=1),
        by=cast.owner,
    )
    return secret


def guide_of(server, account) -> str:
    """The page, over the socket, as the person's browser gets it."""
    cookies = {"sessionid": browser_of(account).cookies["sessionid"].value}
    return httpx.get(f"{server.url}/api/", cookies=cookies, timeout=60, trust_env=False).text


def commands_of(page: str) -> dict[str, str]:
    found = re.findall(r'<pre [^>]*data-step="(\w+)"[^>]*>(.*?)</pre>', page, re.DOTALL)
    return {name: unescape(command) for name, command in found}


def answer_of(command: str, variables: dict[str, str]) -> dict:
    """What a shell prints that runs the command: status and body."""
    done = subprocess.run(
        ["bash", "-c", f"{command} -w '\\n%{{http_code}}'"],
        env={"PATH": os.environ["PATH"], "no_proxy": "*"} | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    body, _, status = done.stdout.rpartition("\n")
    return {"status": int(status), "body": json.loads(body)}


def work_on_the_run() -> None:
    """What a worker does meanwhile."""
    job = jobs.claim(job_id=Job.objects.get(task=tasks.runs.RUN).pk)
    run_claimed(job, tasks.run_monitor)


def shape_of(value):
    """Names of the fields, all the way down."""
    if isinstance(value, dict):
        return {key: "…" if key in BY_DATA else shape_of(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape_of(value[0])] if value else []
    return "…"


def shortened(answer: dict) -> dict:
    """As the page shows it: of each window a few figures."""
    if isinstance(answer["body"], list):
        return answer | {"body": [window | {"figures": window["figures"][:3]} for window in answer["body"]]}
    return answer


def keep(answers: dict[str, dict], account) -> None:
    """Write the answers down for the page, with the account's own words taken out."""
    text = json.dumps({name: shortened(answer) for name, answer in answers.items()}, ensure_ascii=False, indent=1)
    for place, words in reversed(own_words(account).items()):
        text = text.replace(words, place)
    ANSWERS.write_text(text + "\n")


def test_each_command_of_the_guide_runs_as_it_is_printed_and_is_answered_as_shown(cast, server, folder, token):
    commands, variables, answers = commands_of(guide_of(server, cast.owner)), {"ASSAY_TOKEN": token}, {}

    for step in STEPS:
        answers[step.name] = answer_of(commands[step.name], variables)
        if step.keeps:
            variables[step.keeps] = str(answers[step.name]["body"]["id"])
        if step.name == "run":
            work_on_the_run()

    if os.environ.get("ASSAY_RECORD_ANSWERS"):
        keep(answers, cast.owner)
    shown = json.loads(ANSWERS.read_text())
    assert Run.objects.get().outcome == Run.Outcome.COMPUTED
    assert {name: answer["status"] for name, answer in answers.items()} == {
        name: answer["status"] for name, answer in shown.items()
    }
    for name, answer in answers.items():
        assert shape_of(shown[name]["body"]) == shape_of(answer["body"]), name
    assert answers["progress"]["body"]["outcome"] == "computed"
    assert len(answers["windows"]["body"]) == 2


def test_the_guide_fills_in_the_readers_own_unit_and_number(cast):
    page = unescape(text_of(browser_of(cast.owner).get("/api/")))

    assert '"unit": "retail", "owner": "HR-olivia-owner"' in page
    assert f'"location": "{settings.LOG_ROOTS[0][1]}/application-pd/log"' in page
    assert re.findall(r"\{(unit|owner|folder)\}", page) == []


def test_who_has_no_unit_is_shown_one_that_could_be(cast):
    nobody = hire(None, cast.retail, "Nora Nobody")

    page = unescape(text_of(browser_of(nobody).get("/api/")))

    assert '"unit": "retail", "owner": "HR-nora-nobody"' in page


def test_a_folder_is_one_that_is_open_to_the_readers_unit(cast, monkeypatch):
    roots = [("markets", Path("/m")), ("retail", Path("/r")), ("", Path("/all"))]
    monkeypatch.setattr(settings, "LOG_ROOTS", roots)

    assert [own_words(account)["{folder}"] for account in (cast.owner, cast.stranger)] == ["/r", "/m"]


def test_words_of_the_readers_own_stay_what_they_are_in_json():
    assert json.loads(filled('{"owner": "{owner}"}', {"{owner}": 'a"b\\'})) == {"owner": 'a"b\\'}


def test_a_quote_in_the_readers_number_ends_no_argument_of_the_shell(cast):
    ours = accounts.add_person(
        hr_number="O'Hara $(id)", full_name="Pat", mail="", unit=Unit.objects.get(code="retail"), by=cast.administrator
    )
    account = accounts.add_account(person=ours, username="pat", password=None, kind="human", by=cast.administrator)
    command = commands_of(browser_of(account).get("/api/").content.decode())["model"]

    sent = subprocess.run(
        ["bash", "-c", f'curl() {{ printf "%s\\n" "$@"; }}; {command}'], capture_output=True, text=True
    )

    assert '"owner": "O\'Hara $(id)"' in sent.stdout
