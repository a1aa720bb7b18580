"""What listeners get to hear: names of the players' own, by codec and client (the region is the target's label)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.shop.rhythm import Floats
from demo.shop.series import Made, counter, gauge, histogram, lognormal
from demo.shop.services import Service
from demo.shop.simulation import Stretch

SECONDS_A_PIECE = 30.0  # a player fetches the next piece of its stream so often
SECONDS_A_STREAM = 210.0
FRAMES_PER_SECOND = 50.0
STARTUP_SECONDS = (0.5, 1.0, 2.0, 5.0)
END_TO_END_SECONDS = (0.2, 0.4, 0.8, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Kind:
    """Streams of one codec to one kind of client."""

    codec: str
    client: str
    share: float
    bits_per_second: float
    mos: float


KINDS = (
    Kind("opus", "android", 0.34, 128_000, 4.35),
    Kind("opus", "web", 0.22, 128_000, 4.30),
    Kind("aac", "ios", 0.32, 256_000, 4.25),
    Kind("mp3", "web", 0.12, 192_000, 4.05),
)


def streams(service: Service, stretch: Stretch) -> Floats:
    """How many streams of a region are open."""
    return service.requests_per_second * SECONDS_A_PIECE * stretch.busy


def playing(service: Service, stretch: Stretch) -> Made:
    """Streams, and how they play; listeners who wait for slow pieces hear less, and at a lower bitrate."""
    slowness = stretch.slowness(service)
    for kind in KINDS:
        labels = {"codec": kind.codec, "client": kind.client}
        worse = _regression(service, kind, stretch)
        count = np.round(streams(service, stretch) * kind.share)
        yield gauge("audio_streams", "Streams that are open.")(**labels), count
        starts = stretch.poisson(count / SECONDS_A_STREAM)
        yield counter("audio_stream_starts_total", "Streams that were asked for.")(**labels), starts
        failed = stretch.rng.binomial(starts.astype(int), np.clip(0.001 + 0.02 * worse, 0, 1))
        yield counter("audio_stream_failures_total", "Streams that did not start.")(**labels), failed.astype(float)
        waiting = stretch.rng.gamma(40, 0.0001, stretch.times.shape) * slowness**2 * (1 + 1.5 * worse)
        heard = counter("audio_playing_seconds_total", "Time that listeners heard something.")
        waited = counter("audio_rebuffering_seconds_total", "Time that listeners waited in the middle of a stream.")
        yield heard(**labels), np.round(count * stretch.seconds * (1 - waiting), 1)
        yield waited(**labels), np.round(count * stretch.seconds * waiting, 1)
        mean = kind.bits_per_second * (1 - 0.03 * (stretch.busy - 1)) * (1 - 0.06 * (slowness - 1)) * (1 - 0.25 * worse)
        bitrate = gauge("audio_bitrate_bits_per_second", "Mean bitrate of the open streams.")
        yield bitrate(**labels), np.round(stretch.noisy(mean, 0.005))
        quality = gauge("audio_quality_mos", "Estimated mean opinion score of the open streams, 1 to 5.")
        heard_quality = kind.mos - 0.6 * worse - 0.12 * (slowness - 1)
        yield quality(**labels), np.round(heard_quality + stretch.rng.normal(0, 0.01, stretch.times.shape), 3)
        startup = histogram("audio_startup_seconds", "Time from the wish to hear something to its first sound.")
        yield from lognormal(
            startup, stretch.rng, starts, 0.4 * slowness, spread=0.45, edges=STARTUP_SECONDS, labels=labels
        )


def decoding(service: Service, stretch: Stretch) -> Made:
    """What players report of decoding, and of the packets on the way to them."""
    for kind in KINDS:
        labels = {"codec": kind.codec, "client": kind.client}
        worse = _regression(service, kind, stretch)
        frames = streams(service, stretch) * kind.share * FRAMES_PER_SECOND
        decoded = counter("audio_frames_decoded_total", "Frames of audio decoded.")
        errors = counter("audio_codec_errors_total", "Frames that could not be decoded.")
        fallbacks = counter(
            "audio_codec_fallbacks_total", "Streams that went on in another codec than they began with."
        )
        yield decoded(**labels), np.round(frames * stretch.seconds)
        yield errors(**labels), stretch.poisson(frames * 8e-5 * (1 + 19 * worse))
        yield fallbacks(**labels), stretch.poisson(frames * (4e-7 + 4e-5 * worse))
    packets = streams(service, stretch) * FRAMES_PER_SECOND * stretch.seconds
    lost = stretch.noisy(0.002 * stretch.load(service), 0.05)
    yield counter("audio_packets_received_total", "Packets of audio received.")(), np.round(packets * (1 - lost))
    yield counter("audio_packets_lost_total", "Packets of audio lost on the way.")(), np.round(packets * lost)
    jitter = gauge("audio_jitter_seconds", "Mean jitter of packets on the way.")
    yield jitter(), np.round(stretch.noisy(0.008 * stretch.load(service), 0.04), 6)
    latency = histogram("audio_end_to_end_latency_seconds", "Time from the studio to the ear, of live streams.")
    yield from lognormal(
        latency,
        stretch.rng,
        0.02 * streams(service, stretch) * stretch.seconds / 10,
        0.16 * stretch.load(service) * stretch.slowness(service),
        spread=0.3,
        edges=END_TO_END_SECONDS,
    )
    plays = counter("business_plays_total", "Tracks that were played.")
    yield plays(), stretch.poisson(streams(service, stretch) / SECONDS_A_STREAM)


def _regression(service: Service, kind: Kind, stretch: Stretch) -> Floats:
    if service.region == "us" and kind.codec == "opus":
        return stretch.wrong("codec-regression")
    return np.zeros_like(stretch.times)
