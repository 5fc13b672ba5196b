"""The proving ground: a real small platform on one machine. See README.md beside this file."""
