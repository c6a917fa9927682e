"""What people and pipelines do before a browser shows it."""

from __future__ import annotations

from tests.browser.portal import Portal

OWNER, DEVELOPER = "HR-olivia-owner", "HR-dan-developer"


def register_by_rest(portal: Portal, described: dict) -> str:
    """Register model and version with a token, wait until the portal computed the digest; the model's ref."""
    with portal.client() as client:
        model = client.post("/models/", json=model_body(described))
        assert model.status_code == 201, model.text
        ref = model.json()["ref"]
        version = client.post(
            f"/models/{ref}/versions/",
            json={"label": "1.0.0", "mlflow_uri": described["mlflow_uri"]},
        )
        assert version.status_code in (201, 202), version.text
        assert version.json()["digest_state"] == "pending"
        portal.wait("the digest is computed", lambda: digest_of(client, ref))
    return ref


def model_body(described: dict) -> dict:
    return {
        "external_id": f"cards/{described['name']}",
        "name": described["title"],
        "kind": described["kind"],
        "unit": "retail",
        "owner": OWNER,
        "developer": DEVELOPER,
        "description": "Trained on 9,000 card holders; sex, age and marital status are no inputs.",
    }


def digest_of(client, ref: str) -> str:
    """The version's digest; empty while it is pending. Fails where the artefact was refused."""
    answer = client.get(f"/models/{ref}/versions/").json()
    version = (answer["versions"] if isinstance(answer, dict) else answer)[0]
    assert version["digest_state"] in ("pending", "verified"), version["digest_note"]
    return version["digest"]


def define_monitor(portal: Portal, ref: str, described: dict) -> int:
    """Define the monitor by its service: the shifts that were put in on purpose are announced with it."""

    def define() -> int:
        from inventory.models import Model
        from monitoring.services.definitions import define_monitor
        from tests.cast import load_cast

        model = Model.objects.get(ref=ref)
        folder = portal.folder / "bank" / described["name"]
        monitor = define_monitor(
            model=model,
            version=model.versions.get(),
            name="Production log",
            location=str(folder / "log"),
            format="parquet",
            columns=described["columns"],
            reference_location=str(folder / "reference"),
            cadence="monthly",
            explained=described["explained"],
            announced_shifts=described["shifts"],
            by=load_cast().developer,
        )
        return monitor.pk

    return portal.by_service(define)


def finish_run(portal: Portal, monitor: int) -> int:
    """Ask for a run by REST and wait for its end; its number."""
    with portal.client() as client:
        asked = client.post(f"/monitors/{monitor}/runs/", json={})
        assert asked.status_code == 202, asked.text
        number = asked.json()["id"]
        portal.wait("the run ends", lambda: client.get(f"/runs/{number}/").json()["outcome"])
    return number
