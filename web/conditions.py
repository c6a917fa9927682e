"""Conditions of a request on the state of what it is about (RFC 9110, section 13)."""

import re

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from web.wording import SAID, quoted

TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


def holds(if_match: str, *, etag: str) -> bool:
    """Whether If-Match lets through what stands as `etag`: it is `*`, or names the tag among its own.

    Tags are compared strongly, so a weak one, W/"…", is never the same. Raises ValidationError for what is no list.
    """
    if if_match == "*":
        return True
    between = TAG.sub("", if_match)
    tags = TAG.findall(if_match)
    if not tags or between.strip(" \t,") or between.count(",") < len(tags) - 1:
        sentence = f"An ETag in double quotes, several joined by commas, or * is wanted, got {quoted(if_match)}."
        raise serializers.ValidationError({"If-Match": [ErrorDetail(sentence, SAID)]})
    return etag in tags
