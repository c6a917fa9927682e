"""Programs that run inside the sandbox, next to code nobody trusts. Never imported by the parent."""
