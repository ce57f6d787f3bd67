"""Local models: one engine that batches the requests of all open shards on this machine's cards."""
