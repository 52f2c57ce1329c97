"""What everything stands on: columns of bytes, the C core, the registry, verdicts, threads, backends, deadlines."""
