"""client.py runs in another environment, whose packages are not here."""

collect_ignore = ["client.py"]
