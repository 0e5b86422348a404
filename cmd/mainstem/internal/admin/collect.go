package admin

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mainstem-io/mainstem/internal/metric"
)

// collector turns samples into Prometheus' metrics. It describes nothing, so the registry does not check it ahead.
type collector struct {
	source Source
	detail bool
}

func (c collector) Describe(chan<- *prometheus.Desc) {}

func (c collector) Collect(out chan<- prometheus.Metric) {
	c.source.Collect(c.detail, func(s metric.Sample) { out <- convert(s) })
}

func convert(s metric.Sample) prometheus.Metric {
	names, values := make([]string, 0, len(s.Labels)/2), make([]string, 0, len(s.Labels)/2)
	for i := 0; i+1 < len(s.Labels); i += 2 {
		names, values = append(names, s.Labels[i]), append(values, s.Labels[i+1])
	}
	desc := prometheus.NewDesc(s.Name, s.Help, names, nil)
	kind := prometheus.GaugeValue
	switch s.Kind {
	case metric.Counter:
		kind = prometheus.CounterValue
	case metric.Distribution:
		buckets, seen := make(map[float64]uint64, len(s.Hist.Bounds)), uint64(0)
		for i, b := range s.Hist.Bounds {
			seen += s.Hist.Counts[i]
			buckets[b] = seen
		}
		m, err := prometheus.NewConstHistogram(desc, s.Hist.Count, s.Hist.Sum, buckets, values...)
		if err != nil {
			return prometheus.NewInvalidMetric(desc, err)
		}
		return m
	}
	m, err := prometheus.NewConstMetric(desc, kind, s.Value, values...)
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	return m
}
