"""Views for the terminal: functions that return rich renderables. Made to hold at 80 columns."""
