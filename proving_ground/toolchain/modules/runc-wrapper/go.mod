module replank.dev/proving-ground/runc-wrapper

go 1.26
