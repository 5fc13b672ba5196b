module replank.dev/proving-ground/numbered-lines

go 1.26
