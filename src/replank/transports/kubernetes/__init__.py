"""Kubernetes API servers, read only, through lightkube.

lightkube 1.0.1 has the resources, the pagination and the decoding. What its reading of kubeconfigs lacks
(proxy-url, tls-server-name, exec plugins of v1, a token file relative to the kubeconfig, NO_PROXY with
networks) is settled in `connection.py` and handed to it as an httpx2 transport, its public way in.
"""
