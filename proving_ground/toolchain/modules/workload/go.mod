module replank.dev/proving-ground/workload

go 1.26
