"""How this house answers over HTTP, whatever the app: keyset pages, strict bodies, refusals, problem details."""
