package e2e

import (
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// proxy stands between a process and a broker and does to what passes what
// networks do.
type proxy struct {
	t *testing.T
	*toxiproxy.Proxy
}

// newProxy listens at p.Listen and leads nowhere yet: a broker must be told of
// the address before it has one itself.
func newProxy(t *testing.T) *proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	p := &proxy{t, toxiproxy.NewProxy(server, "broker", "127.0.0.1:0", "")}
	p.mend()
	t.Cleanup(p.cut)
	return p
}

func (p *proxy) leadTo(address string) {
	p.Lock()
	defer p.Unlock()
	p.Upstream = address
}

// cut ends all connections and refuses new ones until mend.
func (p *proxy) cut() { p.Stop() }

func (p *proxy) mend() {
	p.t.Helper()
	if err := p.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// ways are both ways through the proxy.
var ways = []string{"upstream", "downstream"}

// hang lets nothing through until calm: connections stay open, and nobody is told.
func (p *proxy) hang() { p.add("timeout", `{"timeout": 0}`) }

// slow delays all by 150 to 450 ms each way until calm.
func (p *proxy) slow() { p.add("latency", `{"latency": 300, "jitter": 150}`) }

func (p *proxy) add(kind, attributes string) {
	p.t.Helper()
	for _, way := range ways {
		toxic := `{"name": "` + kind + way + `", "type": "` + kind + `", "stream": "` + way + `", "toxicity": 1, "attributes": ` + attributes + `}`
		if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *proxy) calm() { p.Toxics.ResetToxics(p.t.Context()) }
