from inventory.models.access import Access
from inventory.models.model import Model
from inventory.models.standing import Standing
from inventory.models.version import ModelVersion

__all__ = ["Access", "Model", "ModelVersion", "Standing"]
