"""Publish what a regime asks for, from its file."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Account
from accounts.refusals import NotNow
from audit.services import record
from inventory import events
from inventory.models import Clause, Framework
from inventory.sources import DataFile

PLAIN = ("name", "short_name", "authority", "jurisdiction", "mark")


@transaction.atomic
def publish_framework(*, file: DataFile, by: Account | None) -> tuple[Framework, bool]:
    """Publish the version of a framework that `file` holds; the same file again is the same version.

    Returns (framework, whether it is new). Raises NotNow where the version is published with other content.
    """
    content = file.content
    known = Framework.objects.filter(code=content["code"], version=content["version"]).first()
    if known:
        _check_same(known, file)
        return known, False
    framework = Framework.objects.create(
        code=content["code"],
        version=content["version"],
        force=content["status"],
        effective_on=content.get("effective_on"),
        refs_are_ours=content.get("refs_are_ours", False),
        note=content.get("note", ""),
        scope_questions=content.get("scope_questions", []),
        asked_of_all=content.get("record", {}).get("all", []),
        asked_unless_negligible=content.get("record", {}).get("non_negligible", []),
        sha256=file.sha256,
        **{field: content[field] for field in PLAIN},
    )
    clauses = [
        Clause.objects.create(framework=framework, place=place, **clause)
        for place, clause in enumerate(content["clauses"], 1)
    ]
    record(
        events.FRAMEWORK_PUBLISHED,
        subject=framework,
        rows=clauses,
        by=by,
        data={
            "code": framework.code,
            "version": framework.version,
            "clauses": len(clauses),
            "sha256": file.sha256,
        },
    )
    return framework, True


def _check_same(known: Framework, file: DataFile) -> None:
    if known.sha256 != file.sha256:
        raise NotNow(
            f"{known.short_name} version {known.version} is published with the digest {known.sha256}, and {file.name}"
            f" now has {file.sha256}. What is published never changes: raise the version in the file."
        )
