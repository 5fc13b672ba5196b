// Command node-agent runs on every Node and does what a cloud controller and a pod network do elsewhere.
//
// It stands in for cloud-provider-openstack's node controller (ProviderID, addresses, the taint "uninitialized") and
// for a CNI plugin of the bridge kind with a route for each Node. Each agent looks after its own Node only, and reads
// the others for their pod CIDRs. The order of things on a Node is the real controller's: addresses, then ProviderID
// and taint in one update.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	resync     = 30 * time.Second
	retryAfter = 2 * time.Second
)

type options struct {
	node         string
	kubeconfig   string
	region       string
	noProviderID bool
	instanceID   string
	cniFolder    string
}

func parse() (options, error) {
	var o options
	flag.StringVar(&o.node, "node-name", os.Getenv("NODE_NAME"), "the Node that this agent looks after")
	flag.StringVar(&o.kubeconfig, "kubeconfig", "/etc/kube-proxy/kubeconfig.conf", "how to reach the API; the pod's own way where it is missing")
	flag.StringVar(&o.region, "region", "", "write openstack://REGION/UUID, as cloud-provider-openstack does for several regions")
	flag.BoolVar(&o.noProviderID, "no-provider-id", false, "leave spec.providerID alone")
	flag.StringVar(&o.instanceID, "instance-id-file", "/var/lib/cloud/data/instance-id", "where cloud-init keeps the server's UUID")
	flag.StringVar(&o.cniFolder, "cni-folder", "/etc/cni/net.d", "where the CNI configuration goes")
	flag.Parse()
	if o.node == "" {
		return o, fmt.Errorf("--node-name or NODE_NAME is needed")
	}
	return o, nil
}

type agent struct {
	options
	client kubernetes.Interface
	nodes  listers.NodeLister
	rules  string // the last that were applied
}

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context) error {
	o, err := parse()
	if err != nil {
		return err
	}
	configuration, err := connection(o.kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(configuration)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, resync)
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default: // one look at everything is already due
		}
	}
	informer := factory.Core().V1().Nodes()
	if _, err := informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notify() },
		UpdateFunc: func(any, any) { notify() },
		DeleteFunc: func(any) { notify() },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	a := &agent{options: o, client: client, nodes: informer.Lister()}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		if err := a.reconcile(ctx); err != nil && ctx.Err() == nil {
			log.Printf("again in %s: %v", retryAfter, err)
			time.AfterFunc(retryAfter, notify)
		}
	}
}

// connection uses the kubeconfig of kube-proxy where there is one: it names the API servers' own address, and the
// pod's token. The address of the Service works only after kube-proxy, and kube-proxy waits half a minute for the
// Node's address, which is ours to set.
func connection(kubeconfig string) (*rest.Config, error) {
	if _, err := os.Stat(kubeconfig); err != nil {
		return rest.InClusterConfig()
	}
	return clientcmd.BuildConfigFromFlags("", kubeconfig)
}

// reconcile looks at everything and changes what differs.
func (a *agent) reconcile(ctx context.Context) error {
	own, err := a.nodes.Get(a.node)
	if err != nil {
		return err
	}
	all, err := a.nodes.List(labels.Everything())
	if err != nil {
		return err
	}
	if err := a.introduce(ctx, own.DeepCopy()); err != nil {
		return err
	}
	return a.connect(own, all)
}

func internalIP(node *corev1.Node) netip.Addr {
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			if parsed, err := netip.ParseAddr(address.Address); err == nil {
				return parsed
			}
		}
	}
	return netip.Addr{}
}
