"""Parts of :mod:`pycore.ledgers.chainmaker`, one concern per module. Nothing here is public."""
