// Only here to fetch the OpenStack provider's CustomResourceDefinitions for the tests: nothing is built.
module replank.test/upstream/cluster-api-provider-openstack

go 1.26.0

require sigs.k8s.io/cluster-api-provider-openstack v0.14.7
