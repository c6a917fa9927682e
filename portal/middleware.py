"""Labels every change with how it came: a page or the API, and which request."""

import uuid

from audit.origin import Origin, changes_come_from


def origin_of_change(get_response):
    def middleware(request):
        request.id = uuid.uuid4().hex
        through = "api" if request.path.startswith("/api/") else "page"
        with changes_come_from(Origin(through=through, request=request.id)):
            response = get_response(request)
        response["X-Request-Id"] = request.id
        return response

    return middleware
