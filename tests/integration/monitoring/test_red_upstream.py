"""A monitor that goes red asks for a review of every model downstream, once."""

from audit.models import Entry, subject_name
from inventory import services
from inventory.models import ReviewMark
from tests import logs
from tests.tiering import register


def test_a_run_that_finds_a_breach_marks_the_models_downstream_once(cast, define, perform, folder, model):
    consumer, beside = register(cast, "Consumer"), register(cast, "Beside it")
    services.add_dependency(kind="feeds", source=model, target=consumer, by=cast.officer)
    services.add_dependency(kind="challenger_of", source=model, target=beside, by=cast.officer)
    logs.write_log(folder / "log", seed=8, months=2, shifts={2: 1.5})

    monitor = define()

    perform(monitor)
    perform(monitor)

    mark = ReviewMark.objects.get()
    entry = Entry.objects.get(event="inventory.reviews_marked")
    consumer.standing.refresh_from_db()
    assert (mark.model, mark.upstream_model, mark.cause) == (consumer, model, "red_monitor")
    assert consumer.standing.review_reason == "Red monitor upstream"
    assert (entry.actor, subject_name(consumer) in entry.trails) == ("", True)
