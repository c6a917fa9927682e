from inventory.models.access import Access
from inventory.models.assessment import Assessment
from inventory.models.asset import Asset
from inventory.models.assumption import Assumption
from inventory.models.change_set import ChangeRow, ChangeSet
from inventory.models.dependency import Dependency
from inventory.models.exemption import Exemption
from inventory.models.export import Export
from inventory.models.field import FieldDefinition
from inventory.models.framework import Clause, Framework
from inventory.models.limitation import Limitation
from inventory.models.model import Model
from inventory.models.nouns import NOUNS, Noun, noun_of
from inventory.models.overlay import Overlay, OverlayRenewal, OverlayValue
from inventory.models.override import TierOverride
from inventory.models.part import ApprovedPart, Part
from inventory.models.profile import Profile
from inventory.models.responsibility import Responsibility
from inventory.models.review_mark import ReviewMark
from inventory.models.saved_view import SavedView
from inventory.models.scheme import TieringScheme
from inventory.models.standing import Standing
from inventory.models.use import Use
from inventory.models.verdict import Verdict
from inventory.models.version import ModelVersion

__all__ = [
    "NOUNS",
    "Access",
    "ApprovedPart",
    "Assessment",
    "Asset",
    "Assumption",
    "ChangeRow",
    "ChangeSet",
    "Clause",
    "Dependency",
    "Exemption",
    "Export",
    "FieldDefinition",
    "Framework",
    "Limitation",
    "Model",
    "ModelVersion",
    "Noun",
    "Overlay",
    "OverlayRenewal",
    "OverlayValue",
    "Part",
    "Profile",
    "Responsibility",
    "ReviewMark",
    "SavedView",
    "Standing",
    "TierOverride",
    "TieringScheme",
    "Use",
    "Verdict",
    "noun_of",
]
