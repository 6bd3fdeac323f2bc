from __future__ import annotations

import multiprocessing

# one process imports what the measured ones need, for all of them
multiprocessing.set_forkserver_preload(['benchmarks.growth', 'benchmarks.grouping'])
