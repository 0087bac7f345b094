"""How much arithmetic a training step does, and how fast, beside one large matrix product."""

from dataclasses import replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from train.bench.steps import TrainingSteps, measure_seconds, with_random_numbers
from train.data.dataset import Batch
from train.loop import engine

MATRIX_SIZES = (1536, 8192)  # rows and columns of the matrices whose product measures a CPU and a GPU
REPEATS = 5  # products in one measurement
ROUNDS = 5  # turns of every kind of step; the first round only warms up


def measure_arithmetic(run: TrainingSteps, batch: Batch, seconds: float) -> dict[str, float]:
    """Compare the arithmetic of a training step with that of one large matrix product.

    The matrix product is in bfloat16 (train.amp) or float32. In bfloat16 its rate is about the best of a GPU. In float32
    convolutions may be faster than the product: on GPUs they use TF32.

    Args:
        run: The step.
        batch: Its input.
        seconds: Duration of the step.

    Returns:
        Multiplications and additions of the convolutions and matrix products of the step; their rate; the rate of the large
        matrix product; and the ratio of these rates.
    """
    context = run.context
    uncompiled = replace(context, call=context.classifier)  # the counter does not see compiled code
    with FlopCounterMode(display=False) as counter:
        engine.train_epoch(uncompiled, with_random_numbers([batch]), run.schedule)
    device = context.distributed.device
    side = MATRIX_SIZES[device.type == "cuda"]
    dtype = torch.bfloat16 if context.params.amp else torch.float32
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    times = [measure_seconds(context.distributed, lambda: [left @ right for _ in range(REPEATS)]) for _ in range(ROUNDS)]
    rate = 2 * side**3 * REPEATS / min(times[1:])
    flops = counter.get_total_flops()
    return {
        "gigaflops_of_a_step": flops / 1e9,
        "gigaflops_per_second": flops / seconds / 1e9,
        "gigaflops_per_second_of_a_matrix_product": rate / 1e9,
        "share_of_a_matrix_product": flops / seconds / rate,
    }
