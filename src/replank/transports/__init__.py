"""The only code that talks to the outside, one package a client library, implementing `replank.ports`."""
