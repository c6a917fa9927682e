"""Bodies of requests."""

from rest_framework import serializers


class StrictSerializer(serializers.Serializer):
    """Refuses fields that it does not know, each by its name: a typing error must not pass in silence."""

    def to_internal_value(self, data):
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else set()
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(dict.fromkeys(sorted(unknown), f"Unknown field. Known: {known}."))
        return super().to_internal_value(data)
