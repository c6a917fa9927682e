"""Bodies of requests."""

from rest_framework import serializers

from web.wording import in_our_words, unknown_fields


class StrictSerializer(serializers.Serializer):
    """Refuses fields that it does not know, beside every other fault: a typing error must not pass in silence."""

    def to_internal_value(self, data):
        faults = unknown_fields(self, data)
        try:
            known = super().to_internal_value(data)
        except serializers.ValidationError as refused:
            faults |= in_our_words(self, data, refused.detail)
        if faults:
            raise serializers.ValidationError(faults)
        return known
