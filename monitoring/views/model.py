"""A model's monitoring: the tab, one feature, and the reports of a window that are still being made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from audit.reading import attachments_of
from inventory.access import find_model
from inventory.permissions import can_monitor
from inventory.views.model import model_frame
from jobs.models import Job
from monitoring import charts
from monitoring.measures.judging import Levels
from monitoring.models import Breach, Explanation, Measurement, Monitor, Threshold, Window
from monitoring.services import reports, runs
from monitoring.verification import verify_window
from monitoring.views import evidently, headlines
from monitoring.views.addresses import page_of
from monitoring.views.exact import exact_context
from monitoring.wording import refusal_said, words_of

TASKS = {"explain": runs.EXPLAIN, "report": runs.REPORT}
TITLES = {"explain": "SHAP report", "report": "Evidently report"}
NEWEST = 36  # windows that a page draws and lists; older ones by their address


@require_safe
def model_monitoring(request: HttpRequest, ref: str) -> HttpResponse:
    """How the model does: headline figures, series, features, what drives the score."""
    model = find_model(request, ref)
    context = model_frame(request, model, "Monitoring")
    monitors = list(model.monitors.select_related("version", "schedule", "defined_by__details"))
    monitor = _chosen(monitors, request.GET.get("monitor"))
    if monitor is None:
        return render(request, "monitoring/none.html", context)
    windows, window = _windows(monitor, request.GET.get("window"))
    context |= {
        "monitors": monitors,
        "monitor": monitor,
        "windows": windows,
        "running": monitor.runs.filter(job__state__in=Job.UNFINISHED).select_related("job").first(),
        "last_run": monitor.runs.filter(repeats=None).select_related("job").first(),
    }
    context["refusals"] = [refusal_said(reason) for reason in getattr(context["last_run"], "reasons", [])]
    if window:
        context |= _window_context(monitor, windows, window) | exact_context(request, window, "")
    return render(request, "monitoring/model.html", context)


def _chosen(monitors: list[Monitor], asked: str | None) -> Monitor | None:
    return next((m for m in monitors if str(m.pk) == asked), monitors[0] if monitors else None)


def _windows(monitor: Monitor, asked: str | None) -> tuple[list[Window], Window | None]:
    """The newest windows up to the one that is asked for, oldest first, and that one (else the newest)."""
    newest = Window.objects.newest_revisions().filter(monitor=monitor).defer("shares")
    windows = _last_of(newest)
    chosen = next((w for w in windows if w.start_on.isoformat() == asked), None)
    if chosen is None and (day := _day(asked)):
        older = _last_of(newest.filter(start_on__lte=day))
        if older and older[-1].start_on == day:
            windows, chosen = older, older[-1]
    return windows, chosen or (windows[-1] if windows else None)


def _last_of(windows: QuerySet[Window]) -> list[Window]:
    found = windows.select_related("monitor", "run__job", "run__reference").order_by("-start_on")
    return list(found[:NEWEST])[::-1]


def _day(asked: str | None) -> date | None:
    try:
        return date.fromisoformat(asked or "")
    except ValueError:
        return None


def _window_context(monitor: Monitor, windows: list[Window], window: Window) -> dict:
    figures = defaultdict(dict)  # metric -> window id -> figure of the whole
    for figure in Measurement.objects.filter(window__in=windows, column="", segment=""):
        figures[figure.metric][figure.window_id] = figure
    levels = headlines.levels_of(monitor)
    features = headlines.feature_lines(monitor, windows, window, levels)
    marks = charts.shift_marks(monitor)
    place = windows.index(window)
    return {
        "window": window,
        "earlier": windows[place - 1] if place else None,
        "later": windows[place + 1] if place + 1 < len(windows) else None,
        "run": window.run,
        "strip": headlines.headlines(windows, window, figures, levels),
        "features": features,
        "drifted": sum(line.level == "breach" for line in features),
        "watched": sum(line.level == "watch" for line in features),
        "discrimination": charts.discrimination(windows, figures, levels, marks, window),
        "score_drift": charts.series(windows, figures["score_psi"], "score_psi", levels, marks, window),
        "thresholds": [_in_words(threshold) for threshold in levels.thresholds],
        "shifts": _shifts(monitor, window),
        "breaches": _breaches(window, is_newest=window == windows[-1]),
        "inputs": window.run.inputs,
        "seal": verify_window(window),
        "registered": set(monitor.model.versions.values_list("label", flat=True)) if window.versions else set(),
        "newest": windows[-1],
    } | _reports(window, features)


def _shifts(monitor: Monitor, window: Window) -> list[dict]:
    """What was put into the log on purpose, and whether the window has it."""
    month = f"{window.start_on:%Y-%m}"
    return [
        shift | {"is_here": month in shift.get("months", ()), "when": _when(shift.get("months", ()))}
        for shift in monitor.announced_shifts
    ]


def _when(months: Sequence[str]) -> str:
    """From the first month to the last, in words."""
    days = [date.fromisoformat(f"{month}-01") for month in (min(months), max(months))] if months else []
    words = [f"{day:%b %Y}" for day in days]
    return " to ".join(dict.fromkeys(words))


def _breaches(window: Window, *, is_newest: bool) -> list[Breach]:
    """What was crossed in the window; in the newest, what stands of earlier ones too."""
    of_monitor = Breach.objects.filter(window__monitor=window.monitor, level=Breach.Level.BREACH)
    found = of_monitor.open().filter(window=window)
    if is_newest:
        found = found | of_monitor.standing()
    return headlines.breaches_in_words(found.select_related("threshold", "window").order_by("-window__start_on", "pk"))


def _in_words(threshold: Threshold) -> Threshold:
    threshold.words = words_of(threshold.metric)
    threshold.watch_text = threshold.words.text(threshold.watch)
    threshold.breach_text = threshold.words.text(threshold.breach)
    return threshold


def _reports(window: Window, features: list[headlines.FeatureLine]) -> dict:
    """SHAP and Evidently reports of the window: what is filed, and how the work on it stands."""
    explanation = Explanation.objects.filter(window=window).select_related("window", "version", "reference").first()
    files = list(attachments_of(window).order_by("filed_at"))
    if explanation:
        files += attachments_of(explanation).order_by("filed_at")
        strongest_first = sorted(explanation.importance, key=lambda name: -explanation.importance[name])
        ranks = {name: place for place, name in enumerate(strongest_first, start=1)}
        for line in features:
            line.rank = ranks.get(line.name)
    jobs = {job.key: job for job in Job.objects.filter(key__in=[f"{task}:{window.pk}" for task in TASKS.values()])}
    return {
        "explanation": explanation,
        "importance": charts.importance(explanation) if explanation else None,
        "swarm": charts.swarm(explanation) if explanation else None,
        "unit": charts.SCALES[explanation.scale] if explanation else "",
        "errors": _errors_of(explanation) if explanation else {},
        "files": files,
        "report": next((file for file in files if file.role == "evidently page"), None),
        "report_says": evidently.said_by(files),
        "explain_job": jobs.get(f"{runs.EXPLAIN}:{window.pk}"),
        "report_job": jobs.get(f"{runs.REPORT}:{window.pk}"),
    }


def _errors_of(explanation: Explanation) -> dict[str, str]:
    """The largest errors of an explanation's two checks, in one figure each."""
    return {
        "additivity": headlines.bound_text(explanation.additivity_error) or "0",
        "rescoring": headlines.bound_text(explanation.rescoring_largest_difference) or "0",
    }


@require_safe
def feature(request: HttpRequest, ref: str, column: str) -> HttpResponse:
    """One feature: its shares in the window against the reference, and its drift over time."""
    model = find_model(request, ref)
    monitor = _chosen(list(model.monitors.all()), request.GET.get("monitor"))
    meaning = next((f for f in monitor.columns["features"] if f["name"] == column), None) if monitor else None
    windows, window = _windows(monitor, request.GET.get("window")) if meaning else ([], None)
    if window is None:
        raise Http404
    over_time = {
        f.window_id: f for f in Measurement.objects.filter(window__in=windows, column=column, segment="", metric="psi")
    }
    levels, place = headlines.levels_of(monitor), windows.index(window)
    context = model_frame(request, model, "Monitoring") | {
        "monitor": monitor,
        "windows": windows,
        "window": window,
        "earlier": windows[place - 1] if place else None,
        "later": windows[place + 1] if place + 1 < len(windows) else None,
        "run": window.run,
        "feature": meaning,
        "shifts": [s for s in _shifts(monitor, window) if s.get("feature") == column],
        "shares": charts.feature_distribution(window, column),
        "drift": charts.series(windows, over_time, "psi", levels, charts.shift_marks(monitor, column), window, column),
        "figures": _figures_of(window, column, levels),
    }
    if meaning["kind"] == "number":
        context |= exact_context(request, window, column)
    return render(request, "monitoring/feature.html", context)


def _figures_of(window: Window, column: str, levels: Levels) -> list[headlines.Shown]:
    found = Measurement.objects.filter(window=window, column=column, segment="").order_by("pk")
    return [headlines.shown(figure, levels.of(figure)) for figure in found]


# ---- reports of a window ----------------------------------------------------------------------------------
@require_safe
def report_state(request: HttpRequest, number: int, task: str) -> HttpResponse:
    """How the work on a report stands: the fragment that the page asks for again; alone it leads to the page."""
    window = _window(request, number)
    if not request.htmx:
        return redirect(page_of(window))
    job = _job_of(task, window)
    context = {
        "job": job,
        "window": window,
        "task": task,
        "title": TITLES[task],
        "can_monitor": can_monitor(request.user, window.monitor.model),
    }
    answer = render(request, "monitoring/job.html", context)
    if job.is_finished:
        answer["HX-Refresh"] = "true"
    return answer


@require_POST
def retry_report(request: HttpRequest, number: int, task: str) -> HttpResponse:
    """Ask again for a SHAP or Evidently report that failed or was refused."""
    window = _window(request, number)
    reports.retry_report(window=window, job=_job_of(task, window), by=request.user)
    return redirect(page_of(window))


def _window(request: HttpRequest, number: int) -> Window:
    seen = Window.objects.filter(monitor__in=Monitor.objects.visible_to(request.user))
    return get_object_or_404(seen.select_related("monitor__model__unit"), pk=number)


def _job_of(task: str, window: Window) -> Job:
    return get_object_or_404(Job, key=f"{TASKS[task]}:{window.pk}")
