"""The assistant that answers in words: vLLM (V1 engine), and the graphics card under it by NVIDIA's dcgm-exporter."""

from __future__ import annotations

import numpy as np

from demo.shop.rhythm import Floats
from demo.shop.series import Made, counter, gauge, histogram, lognormal
from demo.shop.simulation import Stretch

MODEL = {"model_name": "listen/assistant-8b", "engine": "0"}
ASKED_PER_SECOND = 0.9
CARD = {
    "gpu": "0",
    "UUID": "GPU-5b1c7d0e-0000-4000-8000-000000000001",
    "device": "nvidia0",
    "modelName": "NVIDIA L40S",
    "Hostname": "gpu-1",
}
MEMORY_MIB = 46_068.0
FIRST_TOKEN_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5)


def busy(stretch: Stretch) -> Floats:
    """The share of the card's time in use."""
    use: Floats = np.clip(stretch.noisy(0.42 * stretch.busy, 0.05), 0, 1)
    return use


def vllm(stretch: Stretch) -> Made:
    """Questions to the assistant."""
    asked = ASKED_PER_SECOND * stretch.busy
    done = stretch.poisson(asked)
    for name, about, mean in (
        ("num_requests_running", "Number of requests in model execution batches.", 5.0),
        ("num_requests_waiting", "Number of requests waiting to be processed.", 0.05),
    ):
        yield gauge(f"vllm:{name}", about)(**MODEL), stretch.rng.poisson(mean * stretch.busy).astype(float)
    cache = gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.")
    yield cache(**MODEL), np.round(0.7 * busy(stretch), 4)
    yield counter("vllm:prompt_tokens_total", "Number of prefill tokens processed.")(**MODEL), np.round(done * 420)
    yield (
        counter("vllm:generation_tokens_total", "Number of generation tokens processed.")(**MODEL),
        np.round(done * 180),
    )
    success = counter("vllm:request_success_total", "Count of successfully processed requests.")
    cut = stretch.rng.binomial(done.astype(int), 0.05).astype(float)
    yield success(**MODEL, finished_reason="stop"), done - cut
    yield success(**MODEL, finished_reason="length"), cut
    yield counter("vllm:num_preemptions_total", "Cumulative number of preemption from the engine.")(**MODEL), 0
    first = histogram("vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.")
    expected = asked * stretch.seconds
    yield from lognormal(first, stretch.rng, expected, 0.12, spread=0.5, edges=FIRST_TOKEN_SECONDS, labels=MODEL)


def card(stretch: Stretch) -> Made:
    """The card."""
    use = busy(stretch)
    for name, about, values in (
        ("GPU_UTIL", "GPU utilization (in %).", np.round(100 * use)),
        ("GPU_TEMP", "GPU temperature (in C).", np.round(38 + 28 * use)),
        ("POWER_USAGE", "Power draw (in W).", np.round(stretch.noisy(85 + 210 * use, 0.02), 1)),
        ("FB_USED", "Framebuffer memory used (in MiB).", 0.86 * MEMORY_MIB),
        ("FB_FREE", "Framebuffer memory free (in MiB).", 0.14 * MEMORY_MIB),
        ("XID_ERRORS", "Value of the last XID error encountered.", 0),
        ("ROW_REMAP_FAILURE", "Whether remapping of rows has failed", 0),
    ):
        yield gauge(f"DCGM_FI_DEV_{name}", about)(**CARD), values
    remapped = "Number of remapped rows for uncorrectable errors"
    yield counter("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", remapped)(**CARD), 0
    yield counter("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "Total number of double-bit volatile ECC errors.")(**CARD), 0
