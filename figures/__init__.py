"""Figures of the portal: plain numbers in, a Chart out (figure for plotly.js, table, sentence).

Pure: no database, no clock, no random state. Colours are named as var(--token) and looked up by the browser, so
that one figure serves both themes; templates/parts/chart.html shows a Chart.
"""

from figures.chart import Chart, Table
from figures.distribution import bin_labels, distribution
from figures.performance import calibration
from figures.series import auc_series, metric_series
from figures.shap import beeswarm, shap_importance
from figures.timeline import Band, Mark, Point, bands_beyond, bands_outside

__all__ = [
    "Band",
    "Chart",
    "Mark",
    "Point",
    "Table",
    "auc_series",
    "bands_beyond",
    "bands_outside",
    "beeswarm",
    "bin_labels",
    "calibration",
    "distribution",
    "metric_series",
    "shap_importance",
]
