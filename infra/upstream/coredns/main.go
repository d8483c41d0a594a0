// Command coredns is CoreDNS with the plugins that a cluster needs; the stock list brings in the SDKs of three clouds.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
)

// A query passes through the plugins in this order, which is that of CoreDNS's own plugin.cfg.
func init() {
	dnsserver.Directives = []string{
		"ready", "health", "prometheus", "errors", "cache", "loadbalance", "template", "kubernetes",
	}
}

func main() { coremain.Run() }
