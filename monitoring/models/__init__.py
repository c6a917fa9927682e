from monitoring.models.breach import Breach
from monitoring.models.exact import ExactCheck
from monitoring.models.explanation import Explanation
from monitoring.models.monitor import Monitor, Reference, Threshold
from monitoring.models.profile import StoredProfile
from monitoring.models.run import Run
from monitoring.models.window import Measurement, Window

__all__ = [
    "Breach",
    "ExactCheck",
    "Explanation",
    "Measurement",
    "Monitor",
    "Reference",
    "Run",
    "StoredProfile",
    "Threshold",
    "Window",
]
