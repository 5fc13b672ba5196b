"""Is a cluster fully Cluster API's, and what would a rollout replace? Pure: documents in, a verification out.

It stands below `report`, which shows verifications, and beside `audit` and `plan`, not in a migration or in
`guards`: it needs no plan, and knows no more of a takeover than the names that one leaves behind. Looking is
`survey/controlled.py`.
"""
