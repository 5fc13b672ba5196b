"""OpenTelemetry collector: the filelog receiver and its operators."""
