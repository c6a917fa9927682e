from inventory.models.access import Access
from inventory.models.framework import Clause, Framework
from inventory.models.model import Model
from inventory.models.standing import Standing
from inventory.models.version import ModelVersion

__all__ = ["Access", "Clause", "Framework", "Model", "ModelVersion", "Standing"]
