"""Views for the terminal: functions that return rich renderables. They hold at 80 columns, without colours."""
