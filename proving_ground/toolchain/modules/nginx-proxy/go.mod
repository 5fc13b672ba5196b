module replank.dev/proving-ground/nginx-proxy

go 1.26
