"""Names of array types that many modules share."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
