"""Twin Kubernetes API servers: HTTPS on 127.0.0.1, each `ApiServer` on a port of its own, one thread for all.

    with KubernetesTwins([cluster.api, management]) as twins:
        twins[0].url                       # https://127.0.0.1:<port>
        twins[0].faults.append(Fault(path="/api/v1/nodes", status=500))
    with KubernetesTwin(api) as twin:      # one alone
        twin.url

What an `ApiServer` (testbed/world.py) must hold:

- `version`: `v1.34.4`, answered at /version.
- `ca_cert`: PEM of the cluster CA. Whoever presents a client certificate that it signed and that has not
  expired is let in as cluster-admin; so is a bearer token of `tokens`. Others get 401; who presents nothing
  at all may see /version.
- `server_cert`, `server_key`: PEM. The SANs hold the IP address 127.0.0.1 besides the endpoint's VIP and
  names; `server_cert` may be a chain.
- `objects`: complete objects as `kubectl get -o json` shows them, each with `apiVersion`, `kind`,
  `metadata.name` and, where it belongs to one, `metadata.namespace`. `metadata.uid` is wanted for Nodes.
  Owners stand in `metadata.ownerReferences` (`controller: true`): Pod -> ReplicaSet -> Deployment,
  Pod -> Job -> CronJob, mirror Pod -> Node. Mirror pods carry the annotation `kubernetes.io/config.mirror`.
  Pods need `spec.nodeName`, `status.phase` and the condition `Ready`; Secrets and ConfigMaps keep their data.
- Path and plural of a kind come from `kinds.py`. A kind that is not in its table is served if a
  CustomResourceDefinition among the objects names it (spec.group, spec.names, spec.scope, spec.versions),
  else its plural is guessed and it counts as namespaced if its objects have a namespace.
- A management cluster holds the CustomResourceDefinitions of its providers (label
  `clusterctl.cluster.x-k8s.io`), clusterctl's `Provider` objects (clusterctl.cluster.x-k8s.io/v1alpha3, with
  `providerName`, `type` and `version` at the top), and the controllers' Deployments with the label
  `cluster.x-k8s.io/provider`.

Served: /version, /readyz, /api, /apis, /apis/<group>, /apis/<group>/<version>, lists of a cluster or of one
namespace, single objects; labelSelector (equality), fieldSelector on metadata.name, limit and continue,
PartialObjectMetadata by the Accept header. Writes (`writes.py`): POST, PATCH (server-side apply, merge, JSON
patch), DELETE with preconditions and finalizers, dryRun=All; server-side apply of `/status`, of which
conditions are a map by type; SelfSubjectReview and SelfSubjectAccessReview; `pods/exec` by WebSocket, where
somebody runs commands (`pod_exec.py`). PUT, watches and other subresources are not served.
"""

from __future__ import annotations

from replank.testbed.serve.kubernetes.access import Denied
from replank.testbed.serve.kubernetes.faults import Fault
from replank.testbed.serve.kubernetes.twin import KubernetesTwin, KubernetesTwins, ServedApi

__all__ = ["Denied", "Fault", "KubernetesTwin", "KubernetesTwins", "ServedApi"]
