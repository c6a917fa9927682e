"""What goes in and what comes out: input and output apart, fields listed."""

import re

from rest_framework import serializers

from accounts.refusals import InvalidInput
from inventory.api.fields import PersonByNumber, UnitByCode
from inventory.effects import check_uri
from inventory.models import Model, ModelVersion
from inventory.models.model import MOST_TAGS, REF_START
from inventory.policies import WORDS_OF_ADDRESSES, check_external_id
from inventory.services import digest_of
from web.serializers import StrictSerializer
from web.wording import SAID, quoted

ID_CHARACTERS = "letters, digits and . _ : - in parts joined by /, a letter or digit first, 200 characters at most"
LABEL_CHARACTERS = "letters, digits and . _ + -, a letter or digit first, 60 characters at most"
SHA256 = re.compile(r"^[0-9a-f]{64}$")


class TagList(serializers.ListField):
    """Words of the bank's own, each once."""

    def __init__(self, **options):
        child = serializers.RegexField(
            r"^[^,\x00-\x1f]{1,40}$", error_messages={"invalid": "A tag has 1 to 40 characters and no comma."}
        )
        super().__init__(child=child, max_length=MOST_TAGS, help_text="Words of your own, to find it by", **options)

    def to_internal_value(self, data) -> list[str]:
        return list(dict.fromkeys(super().to_internal_value(data)))


class ModelInput(StrictSerializer):
    external_id = serializers.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$",
        error_messages={"invalid": f"An id is made of {ID_CHARACTERS}."},
        help_text=f"The id by which your pipeline knows the model: {ID_CHARACTERS}. It does not begin with {REF_START},"
        f" and no part of it is {', '.join(WORDS_OF_ADDRESSES)}, . or ..",
    )
    name = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(Model.Kind.choices)
    unit = UnitByCode(help_text="Code of the unit that uses it; the API guide lists yours")
    owner = PersonByNumber(
        help_text="HR number of the owner. Name yourself as owner or as developer: only model risk officers and"
        " service accounts register models of others"
    )
    developer = PersonByNumber(
        required=False,
        allow_null=True,
        default=None,
        help_text="HR number of the developer; without it, nobody. Yours, where you are not the owner",
    )
    description = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)
    purpose = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)
    tags = TagList(required=False)

    def validate_external_id(self, external_id: str) -> str:
        try:
            check_external_id(external_id)
        except InvalidInput as refusal:
            raise serializers.ValidationError(refusal.problems["external_id"], code=SAID) from refusal
        return external_id


class ModelChange(StrictSerializer):
    name = serializers.CharField(max_length=200, required=False)
    kind = serializers.ChoiceField(Model.Kind.choices, required=False)
    owner = PersonByNumber(required=False, help_text="HR number of the owner")
    developer = PersonByNumber(required=False, allow_null=True, help_text="HR number of the developer; null for none")
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    purpose = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    tags = TagList(required=False)


class StageChange(StrictSerializer):
    stage = serializers.ChoiceField(Model.Stage.choices, help_text="Where the model goes; docs/states.md has the steps")
    reason = serializers.CharField(max_length=2_000, help_text="Why; it stands on the trail")


class ModelOutput(serializers.ModelSerializer):
    unit = serializers.CharField(source="unit.code")
    owner = serializers.CharField(source="owner.hr_number")
    developer = serializers.CharField(source="developer.hr_number", default=None)
    monitoring = serializers.CharField(source="standing.light")
    open_breaches = serializers.IntegerField(source="standing.open_breaches")
    latest_version = serializers.CharField(source="standing.latest_version")

    class Meta:
        model = Model
        fields = [
            "ref", "external_id", "name", "kind", "stage", "tier", "unit", "owner", "developer",
            "description", "purpose", "tags", "registered_at", "monitoring", "open_breaches", "latest_version",
        ]  # fmt: skip


class PastModel(serializers.ModelSerializer):
    """A model as at a day: what the trail holds of it. How it stood in monitoring is not among that."""

    unit = serializers.CharField(source="unit.code")
    owner = serializers.CharField(source="owner.hr_number")
    developer = serializers.CharField(source="developer.hr_number", default=None)

    class Meta:
        model = Model
        fields = [
            "ref", "external_id", "name", "kind", "stage", "tier", "unit", "owner", "developer",
            "description", "purpose", "tags", "registered_at",
        ]  # fmt: skip

    def to_representation(self, instance) -> dict:
        return super().to_representation(instance) | dict.fromkeys(instance.not_recorded & set(self.Meta.fields))


class ModelPage(serializers.Serializer):
    models = ModelOutput(many=True)
    next = serializers.CharField(allow_null=True, help_text="Pass as `after` for the next page; null at the end")


class VersionInput(StrictSerializer):
    label = serializers.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,59}$",
        error_messages={"invalid": f"A label is made of {LABEL_CHARACTERS}."},
        help_text=f"What the model's people call the version, such as 4.1.0: {LABEL_CHARACTERS}",
    )
    mlflow_uri = serializers.CharField(max_length=400, help_text="models:/NAME/NUMBER or models:/m-…")
    digest = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="model-tree-v1 digest, if you know it; compared"
    )
    training_data_digest = serializers.CharField(required=False, allow_blank=True, default="", max_length=128)
    notes = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)

    def validate_mlflow_uri(self, uri: str) -> str:
        if problem := check_uri(uri):
            raise serializers.ValidationError(problem, code=SAID)
        return uri

    def validate_digest(self, digest: str) -> str:
        if digest and not SHA256.match(digest):
            sentence = f"A SHA-256 in 64 lower-case hex digits is wanted, got {quoted(digest)}."
            raise serializers.ValidationError(sentence, code=SAID)
        return digest


class VersionOutput(serializers.ModelSerializer):
    model = serializers.CharField(source="model.ref")

    class Meta:
        model = ModelVersion
        fields = [
            "model", "label", "mlflow_uri", "digest", "digest_state", "digest_note", "flavour", "signature",
            "artefact_bytes", "is_loaded_by_code", "training_data_digest", "notes", "registered_at",
        ]  # fmt: skip


def etag_of(record: Model) -> str:
    return f'"{digest_of(record)}"'
