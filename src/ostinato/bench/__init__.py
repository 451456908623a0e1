"""Floor 7: the speed comparison: ours and the peers, each in a process of its own, taking turns.

``points`` says what one measurement is and ``registry`` lists them all. A worker process runs ``worker`` and one file
of ``peers``; ``crew``, ``turns``, ``measure`` and ``run`` are its other end. ``history`` keeps results; ``summary``,
``table`` and ``chart`` show them. What a worker of another interpreter imports needs the standard library, numpy, and
whom it measures.
"""
