// Only here to fetch Cluster API's CustomResourceDefinitions for the tests: nothing is built.
module replank.test/upstream/cluster-api

go 1.26.0

require sigs.k8s.io/cluster-api v1.14.0

replace sigs.k8s.io/cluster-api/api => sigs.k8s.io/cluster-api/api v1.14.0
