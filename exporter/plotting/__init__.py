"""Pictures of series: values, what was expected, what was anomalous, what is missing and what comes next."""
