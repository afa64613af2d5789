from typing import Any

import numpy as np
from numpy.typing import NDArray

def sweep(
    score: NDArray[Any], truth: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]: ...
def sweep_weighted(
    score: NDArray[Any], truth: NDArray[np.uint8], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]: ...
def bootstrap_ranking(
    pos: NDArray[np.int64], neg: NDArray[np.int64], replicates: int, seed: int, threads: int
) -> NDArray[np.float64]: ...
