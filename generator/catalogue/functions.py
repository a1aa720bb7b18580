"""What PromQL's functions and aggregations are called in words: phrases with a place for each argument."""

from __future__ import annotations

OVER_TIME = {
    "avg_over_time": "the average of {0}",
    "min_over_time": "the least of {0}",
    "max_over_time": "the greatest of {0}",
    "sum_over_time": "the sum of {0}",
    "count_over_time": "the number of samples of {0}",
    "last_over_time": "the last value of {0}",
    "first_over_time": "the first value of {0}",
    "present_over_time": "any sample of {0}",
    "absent_over_time": "no sample of {0}",
    "stddev_over_time": "the standard deviation of {0}",
    "stdvar_over_time": "the variance of {0}",
    "mad_over_time": "the median absolute deviation of {0}",
    "rate": "the rate of {0} per second",
    "irate": "the latest rate of {0} per second",
    "increase": "the increase of {0}",
    "delta": "the change of {0}",
    "idelta": "the latest change of {0}",
    "deriv": "the slope of {0} per second",
    "changes": "how often it changed: {0}",
    "resets": "how often it was reset: {0}",
}

OF_ONE = {
    "absent": "no series of {0}",
    "abs": "the absolute value of {0}",
    "ceil": "{0} rounded up",
    "floor": "{0} rounded down",
    "round": "{0} rounded",
    "sqrt": "the square root of {0}",
    "exp": "e to the power of {0}",
    "ln": "the natural logarithm of {0}",
    "log2": "the binary logarithm of {0}",
    "log10": "the decimal logarithm of {0}",
    "sgn": "the sign of {0}",
    "vector": "{0}",
    "scalar": "{0}",
    "sort": "{0}",
    "sort_desc": "{0}",
    "timestamp": "the time of the last sample of {0}",
    "histogram_count": "the number of observations in {0}",
    "histogram_sum": "the sum of observations in {0}",
    "histogram_avg": "the average observation in {0}",
    "hour": "the hour (UTC) of {0}",
    "minute": "the minute (UTC) of {0}",
    "month": "the month (UTC) of {0}",
    "year": "the year (UTC) of {0}",
    "day_of_week": "the day of the week (UTC, Sunday is 0) of {0}",
    "day_of_month": "the day of the month (UTC) of {0}",
}

# By name and number of arguments; {rank} is the first as a percentile, {ahead} the last as a duration.
FUNCTIONS = {
    **{(name, 1): phrase for name, phrase in (OVER_TIME | OF_ONE).items()},
    ("time", 0): "the time now",
    ("hour", 0): "the hour now (UTC)",
    ("minute", 0): "the minute now (UTC)",
    ("month", 0): "the month now (UTC)",
    ("year", 0): "the year now (UTC)",
    ("day_of_week", 0): "today's day of the week (UTC, Sunday is 0)",
    ("day_of_month", 0): "today's day of the month (UTC)",
    ("round", 2): "{0} rounded to multiples of {1}",
    ("clamp_min", 2): "{0}, but at least {1}",
    ("clamp_max", 2): "{0}, but at most {1}",
    ("clamp", 3): "{0}, but at least {1} and at most {2}",
    ("quantile_over_time", 2): "the {rank} percentile of {1}",
    ("histogram_quantile", 2): "the {rank} percentile in {1}",
    ("histogram_fraction", 3): "the share of observations between {0} and {1} in {2}",
    ("predict_linear", 2): "what {0} leads to in {ahead}",
    ("label_replace", 5): "{0} (with the label {1} set)",
}

# {parameter} and {rank} are what stands before the vector.
AGGREGATIONS = {
    "sum": "the sum of {0}",
    "avg": "the average of {0}",
    "min": "the least of {0}",
    "max": "the greatest of {0}",
    "count": "the number of series of {0}",
    "group": "the groups of {0}",
    "stddev": "the standard deviation of {0}",
    "stdvar": "the variance of {0}",
    "topk": "the {parameter} largest of {0}",
    "bottomk": "the {parameter} smallest of {0}",
    "quantile": "the {rank} percentile of {0}",
    "count_values": "the number of series for each value (as {parameter}) of {0}",
    "limitk": "{parameter} of {0}",
    "limit_ratio": "a share of {parameter} of {0}",
}


def ordinal(share: float) -> str:
    """A share of 1 as a percentile: `99th`, `50th`, `99.9th`."""
    percent = f"{share * 100:.10g}"
    ending = {"1": "st", "2": "nd", "3": "rd"}.get(percent[-1], "th")
    teen = percent[-2:-1] == "1" and "." not in percent
    return percent + ("th" if teen or "." in percent else ending)
