"""What listeners hear: sound, waiting, starting, delay, codecs and the way there; by region, codec and client.

The metrics are those that the pack `audio` reads by default.
"""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source.board import Section, board
from grafana.source.links import label, to
from grafana.source.look import Colour
from grafana.source.panels import LOWER, UPPER, Ask, Panel, band, dashed, foreseen, lines, number
from grafana.source.promql import PLACES, RANGE, WINDOW, of, quantile, share
from grafana.source.tables import Column, heat, rows
from grafana.source.variables import CLUSTER, TENANT, Choice


def _choice(name: str, title: str, doc: str) -> Choice:
    return Choice(name, title, doc, f"label_values(audio_streams{{{PLACES}}}, {name})")


REGION = _choice("region", "Region", "Where listeners are.")
CODEC = _choice("codec", "Codec", "What their streams are encoded in.")
CLIENT = _choice("client", "Client", "What they listen with.")
REGIONS = f'{PLACES}, region=~"$region"'  # of what no codec has alone: the network
STREAMS = f'{REGIONS}, codec=~"$codec", client=~"$client"'
EACH = ("region", "codec", "client")
GOOD_SOUND = ((None, Colour.BAD), (3.6, Colour.WATCH), (4.0, Colour.GOOD))
WAITING = ((None, Colour.GOOD), (0.01, Colour.WATCH), (0.02, Colour.BAD))
FAILING = ((None, Colour.GOOD), (0.01, Colour.WATCH), (0.05, Colour.BAD))
STARTING = ((None, Colour.GOOD), (1.5, Colour.WATCH), (3, Colour.BAD))
ERRORS = ((None, Colour.GOOD), (300, Colour.WATCH), (1000, Colour.BAD))
DELAY = ((None, Colour.GOOD), (0.8, Colour.WATCH), (2, Colour.BAD))
LOST = ((None, Colour.GOOD), (0.01, Colour.WATCH), (0.05, Colour.BAD))
ONE = [to("audio", "Only this region", region=label("region"))]
NOW, FORESEEN = "open now", "foreseen 1h before"


def dashboard() -> Dashboard:
    """`dashboards/audio.json`."""
    return board(
        "audio",
        "Audio experience",
        "What listeners hear: how it sounds, how long they wait, what fails; by region, codec and client. What is bad "
        "in one region alone is the way there; in one codec or client alone it is a release.",
        [
            Section("Now", _now()),
            Section("How it sounds", _sound()),
            Section("How it starts", _start()),
            Section("Codecs", _codecs()),
            Section("The way there", _network()),
            Section("By region, codec and client", _each()),
        ],
        choices=[TENANT, CLUSTER, REGION, CODEC, CLIENT],
    )


def _rate(counter: str, *by: str, window: str = WINDOW, within: str = STREAMS) -> str:
    labels = f"sum by ({', '.join(by)}) " if by else "sum"
    return f"{labels}(rate({of(counter, within=within)}{window}))"


def _waiting(*by: str, window: str = WINDOW) -> str:
    """Of the time that streams were open, the share in which listeners waited."""
    waited = _rate("audio_rebuffering_seconds_total", *by, window=window)
    return share(waited, f"{_rate('audio_playing_seconds_total', *by, window=window)} + {waited}")


def _failed(*by: str, window: str = WINDOW) -> str:
    starts = _rate("audio_stream_starts_total", *by, window=window)
    return share(_rate("audio_stream_failures_total", *by, window=window), starts)


def _broken(*by: str, window: str = WINDOW) -> str:
    """Frames in a million that could not be decoded."""
    frames = _rate("audio_frames_decoded_total", *by, window=window)
    return f"1000000 * {share(_rate('audio_codec_errors_total', *by, window=window), frames)}"


def _sounds(*by: str) -> str:
    """The mean opinion score, each stream counting once."""
    labels = f"sum by ({', '.join(by)}) " if by else "sum"
    score, streams = of("audio_quality_mos", within=STREAMS), of("audio_streams", within=STREAMS)
    return f"{labels}({score} * {streams}) / ({labels}({streams}) > 0)"


def _starts(part: float, *by: str, window: str = WINDOW) -> str:
    return quantile(part, of("audio_startup_seconds_bucket", within=STREAMS), window, *by)


def _now() -> list[Panel]:
    return [
        number(
            "Open streams", "Streams that are open now. Normal: the rhythm of the day; a sudden fall is as bad as an "
            "error.", Ask(f"sum({of('audio_streams', within=STREAMS)})", "streams"), unit="short", width=4,
        ),
        number(
            "Sound", "Mean opinion score of all open streams, 1 (bad) to 5 (excellent). Normal: above 4.",
            Ask(_sounds(), "score"), unit="none", width=4, steps=GOOD_SOUND, decimals=2,
        ),
        number(
            "Waiting in mid-stream", "Share of listening time that went by in waiting (rebuffering), in the time "
            "shown. Normal: below 1 %. From 2 % on people leave.",
            Ask(_waiting(window=RANGE), "of time"), unit="percentunit", width=4, steps=WAITING, decimals=2,
        ),
        number(
            "Streams that did not start", "Share of wished streams that failed to start, in the time shown. Normal: "
            "below 1 %.",
            Ask(_failed(window=RANGE), "of starts"), unit="percentunit", width=4, steps=FAILING, decimals=2,
        ),
        number(
            "First sound within", "The time that nine of ten starts keep, from the wish to the first sound. Normal: "
            "below 1.5 seconds.",
            Ask(_starts(0.9, window=RANGE), "90 %"), unit="s", width=4, steps=STARTING,
        ),
        number(
            "Frames not decoded", "Frames in a million that could not be decoded, in the time shown. Normal: below "
            "300. More: a release of an encoder or of a client; the table below shows which.",
            Ask(_broken(window=RANGE), "in a million"), unit="short", width=4, steps=ERRORS, decimals=0,
        ),
    ]  # fmt: skip


def _sound() -> list[Panel]:
    return [
        dashed(
            lines(
                "Sound by region and codec", "Mean opinion score, 1 to 5. Normal: steady, each codec at its own level, "
                "above 4, the dashed line. One codec falls: its encoder; all of a region fall: the network.",
                Ask(_sounds("region", "codec"), "{{region}} {{codec}}"),
                unit="none", width=8, height=9, from_zero=False, links=ONE,
            ),
            ((None, Colour.GOOD), (4.0, Colour.WATCH)),
        ),
        dashed(
            lines(
                "Waiting in mid-stream by region", "Share of listening time that went by in waiting. Normal: below "
                "1 %, the dashed line.",
                Ask(_waiting("region"), "{{region}}"), unit="percentunit", width=8, height=9, links=ONE,
            ),
            WAITING[:2],
        ),
        _streams(),
    ]  # fmt: skip


def _streams() -> Panel:
    said = f'query="audio_streams", region=~"$region", {PLACES}'
    panel = lines(
        "Open streams beside what is usual",
        "Streams of all regions chosen. Normal: within the band, which is what the exporter expects at this time; "
        "dashed is what it foresaw. There is no band without the exporter's query `audio_streams`, and it knows "
        "neither codecs nor clients.",
        Ask(f'clamp_min(sum(tocsin_forecast_lower{{{said}, horizon="0s"}}), 0)', LOWER),
        Ask(f'sum(tocsin_forecast_upper{{{said}, horizon="0s"}})', UPPER),
        Ask(f'sum(tocsin_forecast{{{said}, horizon="1h"}} offset 1h)', FORESEEN),
        Ask(f"sum({of('audio_streams', within=STREAMS)})", NOW),
        unit="short",
        width=8,
        height=9,
        colours={NOW: Colour.PLAIN},
        links=[to("anomalies", "Anomalies", query="audio_streams")],
    )
    return foreseen(band(panel), "foreseen .*")


def _start() -> list[Panel]:
    buckets = of("audio_startup_seconds_bucket", within=STREAMS)
    return [
        lines(
            "Time to the first sound", "What half, nine of ten and 99 of 100 starts keep. Normal: steady, 90 % below "
            "1.5 seconds. Only the highest rises: few listeners, far away or on old clients.",
            *[Ask(_starts(part, window="[5m]"), name) for part, name in ((0.5, "half"), (0.9, "90 %"), (0.99, "99 %"))],
            unit="s", width=8, colours={"half": Colour.GOOD, "99 %": Colour.SECOND},
        ),
        heat(
            "Starts by how long they took", "How many starts took how long. Normal: one dark band at the bottom. A "
            "second one above it: some listeners wait for something that others do not need.",
            f"sum by (le) (increase({buckets}{WINDOW}))", unit="s", width=8,
        ),
        dashed(
            lines(
                "Failed starts by client", "Share of wished streams that did not start. Normal: below 1 %, the dashed "
                "line. One client alone: its newest release.",
                Ask(_failed("client", window="[15m]"), "{{client}}"), unit="percentunit", width=8,
                links=[to("audio", "Only this client", client=label("client"))],
            ),
            FAILING[:2],
        ),
    ]  # fmt: skip


def _codecs() -> list[Panel]:
    only = [to("audio", "Only this codec", codec=label("codec"), region=label("region"))]
    streams = of("audio_streams", within=STREAMS)
    bitrate = of("audio_bitrate_bits_per_second", within=STREAMS)
    return [
        lines(
            "Frames not decoded, by region and codec", "Frames in a million that could not be decoded. Normal: below "
            "300, and flat. A step in one codec: roll its encoder back.",
            Ask(_broken("region", "codec"), "{{region}} {{codec}}"), unit="short", width=8, links=only,
        ),
        lines(
            "Fall-backs to another codec", "Streams an hour that went on in another codec than they began with. "
            "Normal: few. Many: clients give a codec up, mostly because it cannot be decoded.",
            Ask(f"3600 * {_rate('audio_codec_fallbacks_total', 'region', 'codec', window='[15m]')}",
                "{{region}} {{codec}}"),
            unit="short", width=8, links=only,
        ),
        lines(
            "Bitrate by region", "Mean bitrate of open streams. Normal: steady. It falls where the network is full: "
            "players choose what still comes through.",
            Ask(f"sum by (region) ({bitrate} * {streams}) / (sum by (region) ({streams}) > 0)", "{{region}}"),
            unit="bps", width=8, from_zero=False, links=ONE,
        ),
    ]  # fmt: skip


def _network() -> list[Panel]:
    lost = _rate("audio_packets_lost_total", "region", within=REGIONS)
    received = _rate("audio_packets_received_total", "region", within=REGIONS)
    delay = of("audio_end_to_end_latency_seconds_bucket", within=REGIONS)
    return [
        dashed(
            lines(
                "Delay of live streams", "From the studio to the ear, what 95 of 100 keep, by region. Normal: below "
                "0.8 seconds, the first dashed line. More: it is buffered somewhere on the way.",
                Ask(quantile(0.95, delay, "[5m]", "region"), "{{region}}"), unit="s", width=8, links=ONE,
            ),
            DELAY[:2],
        ),
        dashed(
            lines(
                "Packets lost", "Share of packets that did not arrive, by region. Normal: below 1 %, the dashed line. "
                "More: see the network between there and here.",
                Ask(share(lost, f"{received} + {lost}"), "{{region}}"), unit="percentunit", width=8, links=ONE,
            ),
            LOST[:2],
        ),
        lines(
            "Jitter", "How unevenly packets arrive, the mean by region. Normal: below 30 ms, and flat. More than a "
            "player's buffer is heard as gaps.",
            Ask(f"avg by (region) ({of('audio_jitter_seconds', within=REGIONS)})", "{{region}}"),
            unit="s", width=8, links=ONE,
        ),
    ]  # fmt: skip


def _each() -> list[Panel]:
    return [
        rows(
            "Every region, codec and client",
            "What listeners of each kind had in the time shown; sound and streams as they are now. Normal: green. What "
            "is red in one column and one row tells where to look.",
            Column("Sound", _sounds(*EACH), "none", GOOD_SOUND, decimals=2),
            Column("Waiting", _waiting(*EACH, window=RANGE), "percentunit", WAITING, decimals=2),
            Column("Failed starts", _failed(*EACH, window=RANGE), "percentunit", FAILING, decimals=2),
            Column("First sound, 90 %", _starts(0.9, *EACH, window=RANGE), "s", STARTING),
            Column("Not decoded, in a million", _broken(*EACH, window=RANGE), "short", ERRORS, decimals=0),
            Column("Bitrate", f"avg by ({', '.join(EACH)}) ({of('audio_bitrate_bits_per_second', within=STREAMS)})",
                   "bps", decimals=0),
            Column("Streams", f"sum by ({', '.join(EACH)}) ({of('audio_streams', within=STREAMS)})", "short"),
            keys={"region": "Region", "codec": "Codec", "client": "Client"}, width=24, height=9, worst="Sound",
            rising=True,
        ),
    ]  # fmt: skip
