"""The main job by REST, from a model to its figures, as commands that a reader can run, and what they are answered.

The answers were given by a portal; tests/integration/portal/test_walkthrough.py runs the commands as the page prints
them and fails where an answer has other fields than the page shows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from accounts.access import units_of
from accounts.models import Account, Unit
from accounts.roles import Permission

ANSWERS = Path(__file__).with_name("walkthrough_answers.json")
# What stands for the reader's own in bodies and answers.
UNIT, OWNER, FOLDER = "{unit}", "{owner}", "{folder}"
NOBODYS_UNIT, NO_FOLDER = "retail", "/logs"
MODEL = {
    "external_id": "{unit}/application-pd",
    "name": "Application PD",
    "kind": "statistical",
    "unit": UNIT,
    "owner": OWNER,
    "purpose": "Decides on applications for credit cards",
}
VERSION = {"label": "1.0.0", "mlflow_uri": "models:/application_pd/1"}
MONITOR = {
    "name": "Production log",
    "version": "1.0.0",
    "location": "{folder}/application-pd/log",
    "reference_location": "{folder}/application-pd/reference",
    "format": "parquet",
    "columns": {
        "row_id": "row_id",
        "time": "scored_at",
        "features": [
            {"name": "income", "kind": "number", "meaning": "Income before tax", "unit": "kEUR"},
            {"name": "utilisation", "kind": "number", "meaning": "Share of the limit that is used"},
            {"name": "channel", "kind": "category", "meaning": "Where the application came in"},
        ],
        "score": "score",
        "decision": "decision",
        "label": "label",
        "label_known_at": "label_known_at",
        "segments": ["channel"],
        "cut_offs": [0.3],
    },
    "span": "month",
    "minimum_rows": 300,
    "cadence": "monthly",
    "limits": [
        {
            "metric": "psi",
            "side": "above",
            "watch": 0.1,
            "breach": 0.25,
            "rationale": "Usual levels for a shift of a population",
        },
        {
            "metric": "auc",
            "side": "below",
            "watch": 0.65,
            "breach": 0.6,
            "rationale": "The policy asks for 0.6 at least",
            "segment": "channel=web",
        },
    ],
}


@dataclass(frozen=True)
class Step:
    """One call. keeps: the shell variable that later calls name, which is `id` of the answer."""

    name: str
    title: str
    says: str
    method: str
    address: str
    body: dict | None = None
    keeps: str = ""


STEPS = (
    Step("model", "Register the model", "The same external id again is the same model.", "POST", "models/", MODEL),
    Step(
        "version",
        "Register a version",
        "Taken at once; a worker reads the artefact from the MLflow registry and computes its digest.",
        "POST",
        "models/{unit}/application-pd/versions/",
        VERSION,
    ),
    Step(
        "monitor",
        "Define a monitor",
        "The log is looked at first: a column that is missing or holds something else is refused by its name. Log and"
        " reference lie in a folder that the portal can read.",
        "POST",
        "models/{unit}/application-pd/monitors/",
        MONITOR,
        keeps="MONITOR",
    ),
    Step("run", "Ask for a run", "Without a cadence, or before its day.", "POST", "monitors/$MONITOR/runs/", {}, "RUN"),
    Step("progress", "Follow the run", "Again, until `outcome` says how it ended.", "GET", "runs/$RUN/"),
    Step(
        "windows",
        "Read the figures",
        "Each window with every metric; shown here are two of them, and of those a few figures.",
        "GET",
        "monitors/$MONITOR/windows/",
    ),
)


def steps_for(own: dict[str, str], origin: str) -> list[dict]:
    """Each step with its command and its answer, the reader's own unit, number and folder filled in."""
    answers = json.loads(ANSWERS.read_text())
    return [
        {
            "name": step.name,
            "title": step.title,
            "says": step.says,
            "keeps": step.keeps,
            "command": command_of(step, origin, own),
            "status": answers[step.name]["status"],
            "answer": filled(_pretty(answers[step.name]["body"]), own),
        }
        for step in STEPS
    ]


def own_words(account: Account) -> dict[str, str]:
    """What stands for the reader's own, and what it is."""
    unit = units_of(account, Permission.REGISTER).order_by("-path").first()
    return {
        UNIT: unit.code if unit else NOBODYS_UNIT,
        OWNER: account.person.hr_number,
        FOLDER: _folder_of(unit),
    }


def command_of(step: Step, origin: str, own: dict[str, str]) -> str:
    """One command for a shell. Variables of earlier steps stay variables."""
    lines = [f'curl -sS -X {step.method} -H "Authorization: Bearer $ASSAY_TOKEN"']
    if step.body is not None:
        body = filled(_pretty(step.body), own).replace("'", "'\\''")
        lines += ['-H "Content-Type: application/json"', f"-d '{body}'"]
    lines.append(f'"{origin}/api/v1/{filled(step.address, own)}"')
    return " \\\n     ".join(lines)


def filled(text: str, own: dict[str, str]) -> str:
    """JSON, or an address, with the reader's own words in it."""
    for place, words in own.items():
        text = text.replace(place, json.dumps(words, ensure_ascii=False)[1:-1])
    return text


def _folder_of(unit: Unit | None) -> str:
    """The first folder in which logs of the unit's models may lie."""
    codes = {"", *(unit.path.strip("/").split("/") if unit else ())}
    return next((str(folder) for code, folder in settings.LOG_ROOTS if code in codes), NO_FOLDER)


def _pretty(body) -> str:
    return json.dumps(body, ensure_ascii=False, indent=2)
