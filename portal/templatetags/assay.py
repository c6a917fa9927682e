"""The portal's words and marks: icons, states, figures, moments. A builtin library of every template.

Tags and filters are pure: they read nothing but their arguments, the current time zone and STATIC_URL
(`column` also reads the query string of its page).
"""

import re
from datetime import UTC, date, datetime

from django import forms, template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from figures import wording
from portal import sketches

register = template.Library()

# Names in static/img/icons.svg; static/vendor/README.md says how to add one.
ICON_NAMES = """
admin approvals arrow audit brand breach cal chat circle clock columns copy down download edit eye file
findings finger first funnel good history home inbox info key left link list lock models monitoring open out outside
play plus recused reports retry right search sort stop table tick unknown up upload validation watch x
"""
ICONS = frozenset(ICON_NAMES.split())
STATES = {"good": "Good", "watch": "Watch", "breach": "Breach", "unknown": "Unknown"}
LEVELS = {"success": "good", "warning": "watch", "error": "breach"}
THEMES = ("light", "dark", "auto")
HEX64 = re.compile(r"\b[0-9a-f]{64}\b")


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """One icon of the sprite, hidden from readers unless it has a label of its own.

    Raises ValueError for a name that the sprite does not hold, since it would draw nothing.
    """
    if name not in ICONS:
        raise ValueError(f"no icon {name!r} in static/img/icons.svg; there are: {', '.join(sorted(ICONS))}")
    spoken = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html('<svg class="i" {}><use href="{}#{}"></use></svg>', spoken, static("img/icons.svg"), name)


@register.simple_tag
def status(state: str | None, before: str = "", fill: bool = False, compact: bool = False) -> SafeString:
    """A monitoring state in its fixed word, always with its icon.

    state    good, watch, breach or unknown; empty counts as unknown
    before   what the state is of: "Monitoring" gives "Monitoring: breach"
    fill     on a soft ground, for headers; compact leaves only the icon for the eye, for heat maps
    Raises ValueError for another state.
    """
    state = state or "unknown"
    if state not in STATES:
        raise ValueError(f"state must be one of {', '.join(STATES)}, got {state!r}")
    word = f"{before}: {STATES[state].lower()}" if before else STATES[state]
    if compact:
        hidden = format_html('<span class="visually-hidden">{}</span>', word)
        return format_html('<span class="st {}" title="{}">{}{}</span>', state, word, icon(state), hidden)
    return mark(state, word, fill=fill)


@register.simple_tag
def mark(state: str, words: str, icon_name: str = "", fill: bool = False) -> SafeString:
    """A state's colour with words of one's own ("Stale since 21 Nov"); `state` may be empty for plain ink.

    icon_name defaults to the state's icon; one of the two must name an icon.
    """
    classes = " ".join(filter(None, ("st", state, "fill" if fill else "")))
    return format_html('<span class="{}">{}{}</span>', classes, icon(icon_name or state), words)


@register.simple_tag
def tier(number: int | str | None) -> SafeString:
    """The square tier box; a model without a tier says so."""
    if number in (None, ""):
        return mark_safe('<span class="tier" data-t="">No tier</span>')
    return format_html('<span class="tier" data-t="{}">Tier {}</span>', number, number)


@register.simple_tag
def stage(words: str, live: bool = False) -> SafeString:
    """Where in its life a record is; `words` is the choice's own label, `live` makes it dark."""
    return format_html('<span class="stage{}">{}</span>', " live" if live else "", words)


@register.simple_tag
def digest(value: str | bytes | None, copy: bool = True) -> SafeString:
    """A digest in mono, first and last four, in full in its title; a click copies it.

    copy=False inside a link or a label, where a button may not stand.
    """
    if not value:
        return nothing()
    text = value.hex() if isinstance(value, bytes | memoryview) else str(value)
    short = text if len(text) <= 12 else f"{text[:4]}…{text[-4:]}"
    if not copy:
        return format_html('<span class="mono" title="{}">{}</span>', text, short)
    return format_html(
        '<button type="button" class="digest" data-copy="{0}" title="{0}">{1}'
        '<span class="visually-hidden">, copy in full</span></button>',
        text,
        short,
    )


def nothing() -> SafeString:
    """The dash of a value that is not there."""
    return format_html(
        '<span class="q" aria-hidden="true">{}</span><span class="visually-hidden">none</span>',
        wording.NOTHING,
    )


@register.filter
def number(value, digits: int | None = None) -> str:
    """`{{ psi|number:3 }}`: thousands, true minus, a dash for what is missing or not a number."""
    return wording.number_text(value, digits) if wording.is_number(value) else nothing()


@register.filter
def percent(rate, digits: int = 1) -> str:
    """`{{ share|percent:1 }}`: a fraction 0..1 as per cent."""
    return wording.percent_text(rate, digits) if wording.is_number(rate) else nothing()


@register.filter(name="bytes")
def size_in_bytes(value) -> str:
    """`{{ artefact.size|bytes }}`: a size in B, kB, MB, GB or TB."""
    return wording.bytes_text(value) if wording.is_number(value) else nothing()


@register.filter
def duration(span) -> str:
    """`{{ run.took|duration }}`: a timedelta or seconds, in its two largest units."""
    return wording.duration_text(span) if span is not None else nothing()


@register.filter
def roughly(seconds: float) -> str:
    """`{{ seconds_left|roughly }}`: a guess says no more than it knows: whole minutes, or tens of seconds."""
    step = 60 if seconds >= 60 else 10
    return wording.duration_text(max(round(seconds / step), 1) * step)


@register.filter
def moment(at: datetime | None, detail: str = "") -> SafeString:
    """`{{ entry.recorded_at|moment }}`: in the reader's zone, UTC in the title; `moment:"seconds"` adds them.

    moment:"column" has seconds, and leaves the zone to the column's head ({% zone %}) unless it is another one.

    Raises ValueError for a moment without a zone, since nobody could say when it was.
    """
    if at is None:
        return nothing()
    if timezone.is_naive(at):
        raise ValueError(f"a moment needs a time zone, got {at!r}")
    local, utc = timezone.localtime(at), at.astimezone(UTC)
    clock = "%H:%M:%S" if detail in ("seconds", "column") else "%H:%M"
    said_in_head = detail == "column" and f"{local:%Z}" == zone()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        utc.isoformat(timespec="seconds").replace("+00:00", "Z"),
        f"{utc.day} {utc:%b %Y %H:%M:%S} UTC",
        f"{local.day} {local:%b %Y} {local:{clock}}{'' if said_in_head else f' {local:%Z}'}",
    )


@register.simple_tag
def zone() -> str:
    """The reader's time zone at present, for the head of a column of moments."""
    return f"{timezone.localtime():%Z}"


@register.filter
def readable(sentence: str) -> str:
    """A sentence with each SHA-256 cut to its ends."""
    return HEX64.sub(lambda found: f"{found[0][:4]}…{found[0][-4:]}", sentence)


@register.filter
def coded(text: str) -> SafeString:
    """A sentence of the sources, with what stands `like this` as code."""
    parts = enumerate(text.split("`"))
    return format_html_join("", "{}", ((format_html("<code>{}</code>", part) if i % 2 else part,) for i, part in parts))


@register.filter
def breakable(path: str) -> SafeString:
    """A path or an address that a line may break after each "/" of."""
    return format_html_join(mark_safe("/<wbr>"), "{}", ((part,) for part in str(path).split("/")))


@register.filter
def role(words: str) -> str:
    """What a file is, as its column says it: "shap report" is "SHAP report"."""
    return f"{words[:1].upper()}{words[1:]}".replace("Shap", "SHAP")


@register.filter
def day(on: date | None) -> SafeString:
    """`{{ finding.due_on|day }}`: a date, which has no zone."""
    if on is None:
        return nothing()
    if isinstance(on, datetime):
        on = timezone.localtime(on).date()
    return format_html('<time datetime="{}">{} {}</time>', on.isoformat(), on.day, f"{on:%b %Y}")


@register.simple_tag
def sparkline(values, label: str, state: str = "") -> SafeString:
    """A small line of numbers, oldest first; None leaves a gap. `state` colours the last point.

    label says what is drawn ("PSI over 12 months"); the last value is added to it.
    """
    values = list(values or ())
    present = [value for value in values if wording.is_number(value)]
    if len(present) < 2:
        return SafeString("")
    spoken = f"{label}, now {wording.number_text(present[-1], 3)}"
    return sketches.sparkline(values, spoken, state if state in STATES else "")


@register.simple_tag
def shape(reference, current, label: str = "") -> SafeString:
    """Two distributions over the same bins in one cell: reference as grey bars, current as steps."""
    reference, current = list(reference or ()), list(current or ())
    if not reference or len(reference) != len(current):
        return nothing()
    return sketches.shape(reference, current, label)


@register.simple_tag
def shares(label: str, **counts: int) -> SafeString:
    """One thin bar cut by counts: `{% shares "Originations" good=14 watch=3 breach=2 unknown=1 %}`.

    The names are classes: the four states, t1, t2, t3 for tiers. Figures must stand beside it.
    """
    return sketches.shares(counts, label) if sum(counts.values()) else nothing()


@register.simple_tag
def progress(fraction: float | None, label: str = "Progress") -> SafeString:
    """A bar from 0 to 1 with its label and per cent; None while nobody knows, drawn as moving stripes."""
    if not wording.is_number(fraction):
        return format_html(
            '<span><span>{0}</span><span class="q">Working</span></span><progress aria-label="{0}"></progress>',
            label,
        )
    done = min(max(fraction, 0), 1)
    return format_html(
        '<span><span>{0}</span><span class="q">{1}</span></span>'
        '<progress aria-label="{0}" max="1" value="{2}">{1}</progress>',
        label,
        wording.percent_text(done, 0),
        f"{done:.4f}",
    )


@register.simple_block_tag
def note(content: str, state: str = "", title: str = "") -> SafeString:
    """`{% note "watch" title="One item is stale." %}…{% endnote %}`: a sentence that must be seen."""
    lead = format_html("<b>{}</b> ", title) if title else ""
    return format_html(
        '<div class="note {}">{}<div>{}{}</div></div>',
        state,
        icon(state if state in STATES else "info"),
        lead,
        content,
    )


@register.simple_tag(takes_context=True)
def column(context, label: str, key: str = "", unit: str = "", num: bool = False) -> SafeString:
    """A table head; with `key` it sorts by `?sort=key`, then `?sort=-key`, from the first page on."""
    classes = mark_safe(' class="num"') if num else ""
    words = format_html("{} <small>{}</small>", label, unit) if unit else format_html("{}", label)
    if not key:
        return format_html('<th scope="col"{}>{}</th>', classes, words)
    query = context["request"].GET.copy()
    sort = query.get("sort", "")
    for stale in ("after", "before"):
        query.pop(stale, None)
    query["sort"] = f"-{key}" if sort == key else key
    order = {key: "ascending", f"-{key}": "descending"}.get(sort, "none")
    arrow = {"ascending": icon("up"), "descending": icon("sort")}.get(order, icon("sort"))
    return format_html(
        '<th scope="col"{} aria-sort="{}"><a class="sorts" href="?{}">{} {}</a></th>',
        classes,
        order,
        query.urlencode(),
        words,
        arrow,
    )


@register.filter
def theme_choice(cookie: str | None) -> str:
    """What the person chose: light, dark or auto."""
    return cookie if cookie in THEMES else "auto"


@register.filter
def theme_painted(cookie: str | None) -> str:
    """The theme of the first bytes; auto is settled by theme.js before the first paint."""
    return "dark" if cookie == "dark" else "light"


@register.filter
def note_state(level_tag: str) -> str:
    """The state whose colour a Django message takes."""
    return LEVELS.get(level_tag, "")


@register.filter
def note_icon(level_tag: str) -> str:
    """The icon of a Django message."""
    return LEVELS.get(level_tag, "info")


@register.filter
def is_check(field: forms.BoundField) -> bool:
    """True for a single tick box, whose label stands beside it."""
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def control(field: forms.BoundField) -> SafeString:
    """The widget of a form field with Bootstrap's classes; classes of its own stay."""
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxInput):
        base = "form-check-input"
    else:
        base = "form-select" if isinstance(widget, forms.Select) else "form-control"
    classes = filter(None, (widget.attrs.get("class"), base, "is-invalid" if field.errors else ""))
    return field.as_widget(attrs={"class": " ".join(classes)})


@register.filter
def control_choice(choice) -> SafeString:
    """One radio button or tick box of a group."""
    choice.data["attrs"] = choice.data["attrs"] | {"class": "form-check-input"}
    return format_html("{}", choice.tag())
