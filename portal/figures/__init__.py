"""Figures of the portal: plain numbers in, a Chart out (figure for plotly.js, table, sentence).

Pure: no database, no clock, no random state. Colours are named as var(--token) and looked up by the browser, so
that one figure serves both themes; templates/parts/chart.html shows a Chart.
"""

from portal.figures.chart import Chart, Table
from portal.figures.distribution import bin_labels, distribution
from portal.figures.performance import calibration
from portal.figures.series import auc_series, metric_series
from portal.figures.shap import beeswarm, shap_importance
from portal.figures.timeline import Band, Mark, Point, bands_beyond, bands_outside

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
