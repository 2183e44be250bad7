"""siMLPe's cosine transform."""

import torch

from feint.models.simlpe import cosines


def test_the_cosine_transform_is_orthonormal() -> None:
    matrix = cosines(7)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(7))
