"""What guards a cluster after its takeover: hooks before drain and termination, pools nobody else keeps.

`sight` what a round has seen, `policy` what the team wants, `decide/` pure functions from these to a
`decision`, `work/` looking and acting through ports. Why so: docs/decisions/0005-operator.md.
"""
