"""The portal's own template tags and filters."""

import re
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django import forms
from django.conf import settings
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone

from portal.templatetags import assay

SPRITE = settings.BASE_DIR / "static" / "img" / "icons.svg"
SHA = "9f3a" + "0" * 56 + "c210"
EVIL = '<script>"x"'


def render(source: str, **context) -> str:
    return Template(source).render(Context(context))


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


# ---- icons ----


def test_the_icon_names_are_exactly_those_of_the_sprite():
    held = set(re.findall(r'<symbol id="(\w+)"', SPRITE.read_text()))

    assert held == assay.ICONS


def test_an_icon_points_into_the_sprite_and_is_hidden_from_readers():
    html = render('{% icon "good" %}')

    assert html == '<svg class="i" aria-hidden="true"><use href="/static/img/icons.svg#good"></use></svg>'


def test_an_icon_with_a_label_is_an_image_with_that_name():
    html = render("{% icon 'lock' words %}", words=EVIL)

    assert 'role="img" aria-label="&lt;script&gt;&quot;x&quot;"' in html


def test_an_icon_that_the_sprite_does_not_hold_is_refused():
    with pytest.raises(ValueError, match="no icon 'unicorn'"):
        assay.icon("unicorn")


# ---- states ----


@pytest.mark.parametrize(("state", "word"), assay.STATES.items())
def test_a_status_has_its_fixed_word_and_its_icon(state, word):
    html = assay.status(state)

    assert f"#{state}" in html
    assert text_of(html) == word


def test_a_missing_status_is_unknown():
    assert text_of(assay.status(None)) == "Unknown"


def test_a_status_says_what_it_is_of():
    assert text_of(assay.status("breach", before="Monitoring")) == "Monitoring: breach"


def test_a_compact_status_keeps_its_word_for_readers():
    html = assay.status("watch", compact=True)

    assert '<span class="visually-hidden">Watch</span>' in html


def test_an_unknown_word_for_a_status_is_refused():
    with pytest.raises(ValueError, match="got 'red'"):
        assay.status("red")


def test_a_mark_escapes_its_words():
    assert "&lt;script&gt;" in assay.mark("watch", EVIL)


def test_a_tier_is_a_box_with_its_number():
    assert assay.tier(1) == '<span class="tier" data-t="1">Tier 1</span>'


@pytest.mark.parametrize("number", [None, ""])
def test_a_model_without_a_tier_says_so(number):
    assert text_of(assay.tier(number)) == "No tier"


def test_a_live_stage_is_dark():
    assert 'class="stage live"' in assay.stage("In use", live=True)
    assert 'class="stage"' in assay.stage("Retired")


# ---- digests ----


def test_a_digest_shows_first_and_last_four_and_copies_the_whole():
    html = assay.digest(SHA)

    assert ">9f3a…c210<" in html
    assert f'data-copy="{SHA}"' in html
    assert f'title="{SHA}"' in html


def test_a_digest_in_bytes_is_shown_in_hex():
    assert f'title="{SHA}"' in assay.digest(bytes.fromhex(SHA))


def test_a_digest_inside_a_link_is_no_button():
    html = assay.digest(SHA, copy=False)

    assert "<button" not in html
    assert f'title="{SHA}"' in html


def test_a_short_value_is_shown_whole():
    assert ">4.1.0<" in assay.digest("4.1.0")


# ---- figures ----


@pytest.mark.parametrize(
    ("source", "value", "text"),
    [
        ("{{ v|number }}", 1284, "1,284"),
        ("{{ v|number:3 }}", 0.27165, "0.272"),
        ("{{ v|number:3 }}", -3.4121, "−3.412"),
        ("{{ v|number:3 }}", -0.0001, "0.000"),
        ("{{ v|number }}", np.int64(1200), "1,200"),
        ("{{ v|percent:1 }}", 0.0942, "9.4\u00a0%"),
        ("{{ v|percent:2 }}", 0.0002, "0.02\u00a0%"),
        ("{{ v|bytes }}", 4_100_000, "4.1\u00a0MB"),
        ("{{ v|bytes }}", 999, "999\u00a0B"),
        ("{{ v|bytes }}", 999_600, "1.0\u00a0MB"),
        ("{{ v|duration }}", timedelta(minutes=15), "15\u00a0min"),
        ("{{ v|duration }}", 7500, "2\u00a0h 5\u00a0min".replace(" ", "\u00a0")),
        ("{{ v|duration }}", 0.2, "under\u00a01\u00a0s"),
    ],
)
def test_figures_are_written_as_people_read_them(source, value, text):
    assert render(source, v=value) == text


@pytest.mark.parametrize("value", [None, "", float("nan"), float("inf"), True])
@pytest.mark.parametrize("filter_", ["number", "percent", "bytes"])
def test_what_is_not_a_figure_is_a_dash_that_readers_hear_as_none(filter_, value):
    html = render(f"{{{{ v|{filter_} }}}}", v=value)

    assert text_of(html) == "–none"


# ---- moments ----


def test_a_moment_is_in_the_readers_zone_with_utc_in_its_title():
    at = datetime(2026, 7, 1, 23, 30, 5, tzinfo=UTC)

    with timezone.override("Europe/London"):
        html = assay.moment(at)

    assert text_of(html) == "2 Jul 2026 00:30 BST"
    assert 'datetime="2026-07-01T23:30:05Z"' in html
    assert 'title="1 Jul 2026 23:30:05 UTC"' in html


def test_a_moment_can_show_its_seconds():
    at = datetime(2026, 11, 23, 16, 42, 7, tzinfo=UTC)

    assert text_of(assay.moment(at, "seconds")) == "23 Nov 2026 16:42:07 UTC"


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="needs a time zone"):
        assay.moment(datetime(2026, 11, 23))


def test_a_day_has_no_zone():
    assert assay.day(date(2026, 11, 3)) == '<time datetime="2026-11-03">3 Nov 2026</time>'


def test_the_day_of_a_moment_is_the_readers_day():
    with timezone.override("Asia/Tokyo"):
        assert text_of(assay.day(datetime(2026, 11, 3, 20, tzinfo=UTC))) == "4 Nov 2026"


@pytest.mark.parametrize("filter_", [assay.moment, assay.day, assay.digest])
def test_what_has_no_moment_is_a_dash(filter_):
    assert text_of(filter_(None)) == "–none"


# ---- drawings ----


def test_a_sparkline_draws_every_value_and_says_the_last():
    html = assay.sparkline([0.1, 0.2, 0.3], "PSI over 3 months", "breach")

    assert 'points="2,14 32,9 62,4"' in html
    assert 'class="spark breach"' in html
    assert 'aria-label="PSI over 3 months, now 0.300"' in html


def test_a_gap_breaks_the_sparkline():
    html = assay.sparkline([1, 2, None, 3, 4], "x")

    assert html.count("<polyline") == 2


@pytest.mark.parametrize("values", [[], [1], [None, 1], None])
def test_fewer_than_two_values_make_no_sparkline(values):
    assert assay.sparkline(values, "x") == ""


def test_a_flat_sparkline_lies_in_the_middle():
    assert 'points="2,9 62,9"' in assay.sparkline([5, 5], "x")


def test_a_shape_draws_both_samples_in_one_scale():
    html = assay.shape([1, 2], [2, 4])

    assert [float(h) for h in re.findall(r'height="([\d.]+)"/>', html)] == [5.0, 10.0]
    assert 'points="0,12 48,12 48,2 96,2"' in html


def test_shapes_over_different_bins_are_not_drawn():
    assert text_of(assay.shape([1, 2], [1])) == "–none"


def test_shares_are_cut_by_count_and_said():
    html = render('{% shares "Originations" good=3 watch=0 breach=1 %}')

    assert [float(w) for w in re.findall(r'width="([\d.]+)"', html)] == [74.0, 24.0]
    assert 'aria-label="Originations: 3 good, 0 watch, 1 breach"' in html


def test_no_drawing_carries_a_style_attribute():
    drawings = [
        assay.sparkline([1, 2], "x"),
        assay.shape([1], [1]),
        assay.shares("x", good=1),
        assay.progress(0.5),
    ]

    assert not any("style=" in html for html in drawings)


def test_progress_shows_its_share_once_for_eyes_and_once_for_readers():
    html = assay.progress(0.42, label="Reading rows")

    assert '<progress aria-label="Reading rows" max="1" value="0.4200">' in html
    assert "42\u00a0%" in html


@pytest.mark.parametrize(("fraction", "value"), [(-1, "0.0000"), (7, "1.0000")])
def test_progress_stays_between_nothing_and_all(fraction, value):
    assert f'value="{value}"' in assay.progress(fraction)


def test_progress_of_unknown_length_has_no_value():
    assert "value=" not in assay.progress(None)


# ---- notes, heads, themes, forms ----


def test_a_note_wraps_its_content_with_title_and_icon():
    html = render('{% note "watch" title="Stale." %}See <a href="/x">it</a>{% endnote %}')

    assert 'class="note watch"' in html
    assert "#watch" in html
    assert '<b>Stale.</b> See <a href="/x">it</a>' in html


def test_a_note_escapes_what_it_is_given():
    assert "<script>" not in render("{% note title=words %}{{ words }}{% endnote %}", words=EVIL)


@pytest.mark.parametrize(
    ("query", "order", "next_sort"),
    [("", "none", "name"), ("sort=name", "ascending", "-name"), ("sort=-name", "descending", "name")],
)
def test_a_column_head_turns_its_order_around(query, order, next_sort):
    request = RequestFactory().get(f"/models/?{query}")

    html = render('{% column "Name" key="name" %}', request=request)

    assert f'aria-sort="{order}"' in html
    assert f"sort={next_sort}" in html


def test_sorting_keeps_the_filter_and_leaves_the_page():
    request = RequestFactory().get("/models/?tier=1&after=2.MDL-2026-0060")

    html = render('{% column "Name" key="name" %}', request=request)

    assert 'href="?tier=1&amp;sort=name"' in html


def test_a_column_without_a_key_cannot_be_sorted():
    assert (
        render('{% column "PSI" unit="nats" num=True %}') == '<th scope="col" class="num">PSI <small>nats</small></th>'
    )


@pytest.mark.parametrize(
    ("cookie", "choice", "painted"),
    [("dark", "dark", "dark"), ("light", "light", "light"), ("auto", "auto", "light"), (EVIL, "auto", "light")],
)
def test_only_the_three_themes_are_taken_from_the_cookie(cookie, choice, painted):
    assert assay.theme_choice(cookie) == choice
    assert assay.theme_painted(cookie) == painted


class Vote(forms.Form):
    reason = forms.CharField(help_text="For the minutes.", widget=forms.Textarea(attrs={"class": "mono"}))
    tier = forms.ChoiceField(choices=[("1", "Tier 1")])
    read = forms.BooleanField()
    decision = forms.ChoiceField(choices=[("a", "Approve"), ("r", "Refuse")], widget=forms.RadioSelect)


def part(name: str, **context) -> str:
    return render(f'{{% include "parts/{name}.html" %}}', **context)


def test_a_field_has_label_control_help_and_what_is_wrong_tied_together():
    html = part("field", field=Vote({})["reason"])

    assert '<label for="id_reason">' in html
    assert 'class="mono form-control is-invalid"' in html
    assert 'aria-describedby="id_reason_helptext id_reason_error"' in html
    assert 'id="id_reason_helptext"' in html
    assert 'id="id_reason_error"' in html


@pytest.mark.parametrize(("name", "css"), [("tier", "form-select"), ("read", "form-check-input")])
def test_a_control_has_the_classes_of_its_kind(name, css):
    assert f'class="{css}"' in assay.control(Vote()[name])


def test_a_group_of_choices_is_a_fieldset_with_a_label_for_each():
    html = part("field", field=Vote()["decision"])

    assert "<fieldset" in html
    assert html.count('class="form-check-input"') == 2
    assert '<label class="form-check-label" for="id_decision_1">Refuse</label>' in html


def test_the_error_summary_links_each_line_to_its_field():
    html = part("errors", form=Vote({"reason": "x", "tier": "1"}))

    assert "2 things need your attention." in html
    assert '<a href="#id_read">' in html
    assert 'role="alert"' in html


def test_a_form_without_errors_has_no_summary():
    assert part("errors", form=Vote()).strip() == ""


# ---- words ----


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ('{{ "Send `If-Match`, <b>"|coded }}', "Send <code>If-Match</code>, &lt;b&gt;"),
        ('{{ "`<b>`"|coded }}', "<code>&lt;b&gt;</code>"),
        ('{{ "/logs/cards/a<b"|breakable }}', "/<wbr>logs/<wbr>cards/<wbr>a&lt;b"),
        ('{{ "shap report"|role }}', "SHAP report"),
        ('{{ "partition profile"|role }}', "Partition profile"),
    ],
)
def test_words_of_the_sources_become_words_of_the_page(source, shown):
    assert render(source) == shown


@pytest.mark.parametrize(
    ("seconds", "words"), [(3, "10 s"), (44, "40 s"), (61, "1 min"), (495, "8 min"), (7300, "2 h 2 min")]
)
def test_what_is_left_is_said_roughly(seconds, words):
    assert assay.roughly(seconds).replace("\u00a0", " ") == words


def test_a_column_of_moments_leaves_the_zone_to_its_head():
    at = datetime(2026, 1, 5, 9, 8, 7, tzinfo=UTC)
    source = "{% zone %} {{ at|moment:'column' }}"

    assert ">5 Jan 2026 09:08:07</time>" in render(source, at=at)
    assert render(source, at=at).startswith("UTC ")
    with timezone.override("Europe/London"):
        head = render("{% zone %}")
        summer, winter = (datetime(2026, month, 5, 9, tzinfo=UTC) for month in (7, 1))
        shown = [render("{{ at|moment:'column' }}", at=at) for at in (summer, winter)]
    assert [f"{head}" in text for text in shown] == [False, False]
    assert sum("BST</time>" in text or "GMT</time>" in text for text in shown) == 1
