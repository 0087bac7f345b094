import pytest
import torch

from train.bench.kernels import Kernel, dearest_kernels, print_kernels


def test_the_dearest_operator_comes_first():
    left, small = torch.rand(400, 400), torch.rand(10)

    def run(steps):
        for _ in range(steps):
            for _ in range(3):
                left @ left
            small.exp()

    kernels = dearest_kernels(run, torch.device("cpu"))
    assert kernels[0].name == "aten::mm"
    assert kernels[0].calls == 3
    assert kernels[0].milliseconds > 0
    assert [kernel.share for kernel in kernels] == sorted((kernel.share for kernel in kernels), reverse=True)
    assert sum(kernel.share for kernel in kernels) == pytest.approx(1, abs=0.2)
    assert next(kernel.calls for kernel in kernels if kernel.name == "aten::exp") == 1


def test_kernels_are_printed_one_a_line(capsys):
    found = print_kernels([Kernel("gemm" * 100, 1.25, 0.5, 3.0)])
    assert capsys.readouterr().out == f"kernel: 50.0%, 1.25 ms in 3 calls a step: {('gemm' * 100)[:90]}\n"
    assert found == [{"name": "gemm" * 100, "milliseconds": 1.25, "share": 0.5, "calls": 3.0}]
