"""The production log: the customers whom no model has seen, laid out over twelve months.

The data know no application date, so the months are ours: months 1 to 6 hold untouched rows of one and the
same mix, months 7 to 12 carry the shifts of demo/credit/shifts.py. Scores are what the registered model says
to the row as it was delivered; outcomes are real, and become known three months after scoring.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from demo.credit.customers import CATEGORIES, FEATURES, MEANINGS, OUTCOME, SEED, Split, deal_into_months
from demo.credit.scorecards import VERSION, TrainedModel
from demo.credit.shifts import CHANNEL, SHIFTS, Shift, shifted
from engines.log import Feature, LogSpec

MONTHS = tuple(str(month) for month in pd.period_range("2025-11", "2026-10", freq="M"))
REFERENCE_MONTH = "2025-09"
LABEL_MONTHS = 3
TIME_ZONE = "Europe/London"
OFFICE_OPENS, OFFICE_HOURS = 8, 10  # UTC: the same day in London all year round

SEXES = {1: "male", 2: "female"}
MARRIAGES = {1: "married", 2: "single", 3: "other", 0: "undocumented 0"}
AGE_BANDS = (0, 30, 40, 50, 60, 200)
AGE_NAMES = ("under 30", "30 to 39", "40 to 49", "50 to 59", "60 and over")
SEGMENTS = ("SEX", "MARRIAGE", "AGE_BAND", CHANNEL)
COLUMNS = (
    *("row_id", "scored_at", "model_version", *FEATURES, *SEGMENTS, "AGE"),
    *("score", "decision", OUTCOME, "label_known_at"),
)


def write_logs(
    folder: Path,
    split: Split,
    models: tuple[TrainedModel, ...],
    *,
    seed: int = SEED,
    shifts: tuple[Shift, ...] = SHIFTS,
) -> None:
    """`<folder>/<model>/log/month=YYYY-MM/part.parquet` and `<folder>/<model>/reference/part.parquet`."""
    delivered = deliver(split.production, seed=seed, shifts=shifts)
    reference = time_stamped(shifted(split.validation, REFERENCE_MONTH, seed=seed, shifts=()), REFERENCE_MONTH, seed)
    for model in models:
        write_part(log_rows(reference, model), folder / model.name / "reference")
        for month, rows in delivered.items():
            write_part(log_rows(rows, model), folder / model.name / "log" / f"month={month}")


def deliver(
    production: pd.DataFrame, *, seed: int = SEED, shifts: tuple[Shift, ...] = SHIFTS
) -> dict[str, pd.DataFrame]:
    """Month -> its customers as the feeds deliver them, with the time of scoring."""
    months = deal_into_months(production, MONTHS, seed=seed)
    return {
        month: time_stamped(shifted(production[months == month], month, seed=seed, shifts=shifts), month, seed)
        for month in MONTHS
    }


def time_stamped(rows: pd.DataFrame, month: str, seed: int) -> pd.DataFrame:
    """The rows in the order in which they were scored, at random office hours of `month`."""
    generator = np.random.default_rng([seed, int(month.replace("-", "")), 77])
    period = pd.Period(month, freq="M")
    days = generator.integers(0, period.days_in_month, len(rows))
    seconds = generator.integers(0, OFFICE_HOURS * 3600, len(rows)) + OFFICE_OPENS * 3600
    start = period.start_time.tz_localize("UTC")
    moments = start + pd.to_timedelta(days, unit="D") + pd.to_timedelta(seconds, unit="s")
    return rows.assign(scored_at=moments).sort_values(["scored_at", "ID"]).reset_index(drop=True)


def log_rows(rows: pd.DataFrame, model: TrainedModel) -> pd.DataFrame:
    """What the scoring service writes down about each decision: COLUMNS, in that order."""
    score = model.score(rows)
    return rows.assign(
        row_id=[f"C{number:05d}" for number in rows["ID"]],
        model_version=VERSION,
        SEX=rows["SEX"].map(SEXES),
        MARRIAGE=rows["MARRIAGE"].map(MARRIAGES),
        AGE_BAND=pd.cut(rows["AGE"], AGE_BANDS, right=False, labels=AGE_NAMES).astype(str),
        score=score,
        decision=np.where(score < model.cut_off, "approved", "declined"),
        label_known_at=rows["scored_at"] + pd.DateOffset(months=LABEL_MONTHS),
    )[list(COLUMNS)]


def write_part(rows: pd.DataFrame, folder: Path) -> None:
    """One Parquet file whose bytes follow from the rows alone."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table.cast(schema()), folder / "part.parquet", compression="zstd", row_group_size=1_000)


def log_spec(model: TrainedModel) -> LogSpec:
    """What the columns of a model's log mean."""
    return LogSpec(
        row_id="row_id",
        time="scored_at",
        features=tuple(
            Feature(name, "category" if name in CATEGORIES else "number", MEANINGS[name]) for name in FEATURES
        ),
        score="score",
        decision="decision",
        label=OUTCOME,
        label_known_at="label_known_at",
        segments=SEGMENTS,
        model_version="model_version",
        time_zone=TIME_ZONE,
        cut_offs=(model.cut_off,),
    )


def schema() -> pa.Schema:
    """Numbers may be empty, moments carry their zone, words are dictionary-encoded in the file."""
    moment = pa.timestamp("us", tz="UTC")
    types = {"scored_at": moment, "label_known_at": moment, OUTCOME: pa.int8(), "AGE": pa.int16()}
    types |= dict.fromkeys(("row_id", "model_version", "decision", *SEGMENTS), pa.string())
    types |= dict.fromkeys(CATEGORIES, pa.int64())
    return pa.schema([(name, types.get(name, pa.float64())) for name in COLUMNS])
