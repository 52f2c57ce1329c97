"""Numba kernels: irregular integer work over arrays, arrays in and arrays out.

Field and hash arithmetic is in C; here are walks, tallies and searches. Rules that every kernel keeps: it is compiled
on its first call and cached on disk between runs; it releases the GIL and starts no threads of its own, so any number
of calls may run beside each other; and nothing imports this package at start-up, because Numba takes longer to import
than all the rest.

============  ==============================================================================================
module        what
============  ==============================================================================================
tally         weighted vote tallies that cannot overflow unnoticed, counting every voter once
digests       duplicates and conflicts among digests, exact
dag           transaction dependency lists: every neighbour smaller than its own index, strictly increasing
proofs        the sides and the number of steps of Merkle inclusion proofs
============  ==============================================================================================
"""
