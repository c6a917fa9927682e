"""What monitoring computes without writing anything: windows from profiles, digests, judgement."""
