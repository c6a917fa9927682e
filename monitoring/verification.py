"""The seal over measurements, read: figures as they stand against what the trail says was measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import batched

from django.db.models import F, Max, Q

from audit.reading import every_entry, subject_name
from audit.verification import one_moment
from monitoring import events
from monitoring.measures.digests import figures_digest, result_digest
from monitoring.models import Measurement, Run, Window

BATCH = 50
SEALED = ("result_digest", "input_digest", "code_version")  # what a run says and its entry says too


@dataclass
class FiguresVerdict:
    """What was rebuilt, and what does not hold: `defects` are sentences.

    older  windows whose run was completed before entries named the digest of each window
    """

    windows: int = 0
    figures: int = 0
    older: int = 0
    defects: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.defects


def verify_figures() -> FiguresVerdict:
    """Rebuild every window's digest from its stored rows, as all of them stand at one moment."""
    verdict = FiguresVerdict()
    with one_moment():
        with_windows = Window.objects.order_by("run_id").values_list("run_id", flat=True).distinct()
        completed = Run.objects.measured().values_list("pk", flat=True)
        for pks in batched(sorted({*with_windows, *completed}), BATCH, strict=False):
            for run in Run.objects.filter(pk__in=pks).select_related("model", "monitor"):
                _check_run(run, verdict)
        verdict.defects += _hidden_revisions()
    return verdict


def verify_run(run: Run) -> FiguresVerdict:
    """One run: its own windows, and those that it found as an earlier run had measured them."""
    verdict = FiguresVerdict()
    sealed = _check_run(run, verdict)
    earlier = Window.objects.filter(monitor=run.monitor_id, figures_sha256__in=sealed.values()).exclude(run=run)
    _check_windows(earlier, sealed, verdict)
    return verdict


def verify_window(window: Window) -> FiguresVerdict:
    """One window, which comes with its run."""
    verdict = FiguresVerdict()
    sealed = _sealed(window.run, verdict)
    if sealed is not None:
        _check_windows(Window.objects.filter(pk=window.pk), sealed, verdict)
    verdict.older += sealed is None
    return verdict


def _check_run(run: Run, verdict: FiguresVerdict) -> dict[str, str]:
    """First day to digest, as sealed: the windows are held against it. Empty where nothing is sealed."""
    sealed = _sealed(run, verdict)
    if sealed is None:
        verdict.older += run.windows.count()
        return {}
    _check_windows(run.windows.all(), sealed, verdict)
    verdict.defects += _gone(run, sealed)
    return sealed


def _sealed(run: Run, verdict: FiguresVerdict) -> dict[str, str] | None:
    """What the run's entry says of its windows; None where the entry is older than that."""
    entries = list(every_entry().filter(event=events.RUN_COMPLETED.name, subject=subject_name(run))[:2])
    if len(entries) != 1:
        verdict.defects.append(f"{_name(run)}: {len(entries) or 'no'} entries say what it measured, one is wanted")
        return {}
    data = entries[0].data
    moved = [name.replace("_", " ") for name in SEALED if data.get(name) != getattr(run, name)]
    verdict.defects += [f"{_name(run)}: its {name} is not the one that was sealed" for name in moved]
    sealed = data.get("figures")
    if sealed is not None and result_digest(sealed) != data.get("result_digest"):
        verdict.defects.append(f"{_name(run)}: the sealed digests of its windows do not make its sealed result")
    return sealed


def _check_windows(windows: Iterable[Window], sealed: dict[str, str], verdict: FiguresVerdict) -> None:
    for window, figures in _with_figures(windows):
        verdict.windows += 1
        verdict.figures += len(figures)
        rebuilt = figures_digest(window, figures, reference=window.run.reference.sha256)
        if rebuilt != window.figures_sha256:
            verdict.defects.append(f"{_place(window)}: its figures do not make the digest that stands with them")
        if rebuilt != sealed.get(window.start_on.isoformat()):
            verdict.defects.append(f"{_place(window)}: its figures are not those that were sealed")


def _with_figures(windows: Iterable[Window]) -> Iterator[tuple[Window, list[Measurement]]]:
    """Each window with its stored figures, some windows at a time, so that memory does not grow with their number."""
    for some in batched(windows.select_related("run__reference", "run__model", "monitor"), BATCH, strict=False):
        found = defaultdict(list)
        for figure in Measurement.objects.filter(window__in=some).iterator():
            found[figure.window_id].append(figure)
        for window in some:
            yield window, found[window.pk]


def _gone(run: Run, sealed: dict[str, str]) -> list[str]:
    """Windows that the run's entry names and that are not there, in any revision."""
    there = Window.objects.filter(monitor=run.monitor_id, figures_sha256__in=sealed.values())
    found = {(day.isoformat(), digest) for day, digest in there.values_list("start_on", "figures_sha256")}
    missing = sorted(sealed.items() - found)
    return [f"{_name(run)}: the window from {day} that it measured is gone, or not as sealed" for day, _ in missing]


def _hidden_revisions() -> list[str]:
    """Windows of which another revision than the newest is shown."""
    last, shown = Max("revision"), Max("revision", filter=Q(is_newest=True))
    windows = Window.objects.order_by().values("monitor__model__ref", "monitor__name", "start_on")
    hidden = windows.annotate(last=last, shown=shown).filter(Q(shown=None) | ~Q(shown=F("last")))
    return [
        f"the window from {row['start_on']} of {row['monitor__model__ref']}, {row['monitor__name']}:"
        f" revision {row['last']} is not shown as the newest"
        for row in hidden
    ]


def _place(window: Window) -> str:
    return f"{window.label} of {_name(window.run)}, revision {window.revision}"


def _name(run: Run) -> str:
    return f"{run.ref} ({run.model.ref}, {run.monitor.name})"
