"""Load on a running service: what it carries, how long callers wait, and whether every verdict is right.

    scenario     what is sent: shape, scheme, rate, share of invalid items, priorities; every number has a ceiling
    traffic      the requests, with the verdicts that their answers must have
    arrivals     when each request is due, whatever the service does
    senders      the connections
    engine       sends, and compares what comes back
    histogram    latencies in buckets of equal relative width
    report       the outcome as JSON and as a table; plot: as SVG
    process      the service that a run starts, and how much of the machine it uses; certificates: for one with TLS
    targets      the shares of the in-process speed, row by row
    measuring    what a call costs; sizing: how much this machine carries under a bound for the 99th percentile

`pycore loadtest` and `pycore size` are the commands.
"""
