package broker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/api"
	"github.com/mainstem-io/mainstem/internal/metric"
)

// apiKeys is one more than the highest API key that is counted.
const apiKeys = 96

// metrics counts what the rooms report. It is network.Metrics and takes api's events.
type metrics struct {
	open, opened, refused, malformed, unsupported atomic.Int64
	bytesIn, bytesOut                             atomic.Int64
	requests                                      [apiKeys]requestMetrics
	sessions                                      func() (sessions, partitions int)

	mu     sync.RWMutex // guards topics, not what it points to
	topics map[string]*topicMetrics
	total  topicMetrics
}

// requestMetrics are those of one API.
type requestMetrics struct {
	latency  *metric.Histogram // seconds from the last byte of the request to the first of the answer
	size     *metric.Histogram // bytes of requests
	versions [32]atomic.Int64
}

// topicMetrics are those of one topic, or of all.
type topicMetrics struct {
	messagesIn, bytesIn, bytesOut, rejected, failedProduce, failedFetch, produces, fetches atomic.Int64
	screened, schemaRejected, schemaBuried, schemaWarned                                   atomic.Int64
}

func newMetrics() *metrics {
	m := &metrics{topics: map[string]*topicMetrics{}}
	for i := range m.requests {
		m.requests[i].latency, m.requests[i].size = metric.NewHistogram(metric.Seconds()...), metric.NewHistogram(metric.Sizes()...)
	}
	return m
}

// ConnectionOpened and the methods below are network.Metrics.
func (m *metrics) ConnectionOpened(string)          { m.open.Add(1); m.opened.Add(1) }
func (m *metrics) ConnectionClosed(string)          { m.open.Add(-1) }
func (m *metrics) ConnectionRefused(string)         { m.refused.Add(1) }
func (m *metrics) Unsupported(string, int16, int16) { m.unsupported.Add(1) }
func (m *metrics) Malformed(string)                 { m.malformed.Add(1) }
func (m *metrics) Received(_ string, key, version int16, bytes int) {
	m.bytesIn.Add(int64(bytes))
	if key >= 0 && key < apiKeys {
		m.requests[key].size.Observe(float64(bytes))
		if version >= 0 && int(version) < len(m.requests[key].versions) {
			m.requests[key].versions[version].Add(1)
		}
	}
}

func (m *metrics) Sent(_ string, key, _ int16, bytes int, since time.Duration) {
	m.bytesOut.Add(int64(bytes))
	if key >= 0 && key < apiKeys {
		m.requests[key].latency.Observe(since.Seconds())
	}
}

// observe counts an event of the APIs.
func (m *metrics) observe(e api.Event) {
	for _, t := range [2]*topicMetrics{&m.total, m.topic(e.Topic)} {
		switch e.Kind {
		case api.Produced:
			t.produces.Add(1)
			t.messagesIn.Add(int64(e.Records))
			t.bytesIn.Add(int64(e.Bytes))
		case api.ProduceFailed:
			t.failedProduce.Add(1)
		case api.Fetched:
			t.fetches.Add(1)
			t.bytesOut.Add(int64(e.Bytes))
		case api.FetchFailed:
			t.failedFetch.Add(1)
		case api.Rejected:
			t.rejected.Add(int64(e.Records))
		case api.Screened:
			t.screened.Add(int64(e.Records))
		case api.SchemaRejected:
			t.schemaRejected.Add(int64(e.Records))
		case api.SchemaBuried:
			t.schemaBuried.Add(int64(e.Records))
		case api.SchemaWarned:
			t.schemaWarned.Add(int64(e.Records))
		}
	}
}

// maxTopics bounds the topics that are counted by name: names come from clients.
const maxTopics = 10_000

func (m *metrics) topic(name string) *topicMetrics {
	m.mu.RLock()
	t := m.topics[name]
	m.mu.RUnlock()
	if t != nil {
		return t
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if t = m.topics[name]; t == nil {
		t = &topicMetrics{}
		if len(m.topics) < maxTopics {
			m.topics[name] = t
		}
	}
	return t
}

// apiName is an API as Kafka's metrics spell it.
func apiName(key int) string {
	if name := kmsg.NameForKey(int16(key)); name != "Unknown" {
		return name
	}
	return ""
}
