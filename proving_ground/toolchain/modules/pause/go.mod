module replank.dev/proving-ground/pause

go 1.26
