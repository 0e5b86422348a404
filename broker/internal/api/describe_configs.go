package api

import (
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/internal/configkey"
)

// DescribeConfigs (key 32), versions 1-4.
//
//	v1  sources and synonyms (KIP-226)    v3  types and documentation (KIP-569)    v4  flexible
//
// Resources: topics, this broker, the cluster's default ("" broker), groups, client metrics. No names and an empty
// list of names both ask for everything; unknown names are left out. Values of passwords are never shown. A key of
// our own that is at its default is left out of "everything", so that this answer is Kafka's.
func (s *Server) describeConfigs(x *network.Exchange, req *kmsg.DescribeConfigsRequest) {
	resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
	for _, r := range req.Resources {
		out := kmsg.NewDescribeConfigsResponseResource()
		out.ResourceType, out.ResourceName = r.ResourceType, r.ResourceName
		err := s.permitConfig(x, r)
		var entries []config.Entry
		if err == nil {
			entries, err = s.describeResource(r)
		}
		if err != nil {
			out.ErrorCode, out.ErrorMessage = s.code(err), kmsg.StringPtr(explain(err))
		}
		for _, e := range entries {
			out.Configs = append(out.Configs, configEntry(e, req))
		}
		resp.Resources = append(resp.Resources, out)
	}
	x.Respond(resp)
}

// permitConfig tells whether the client may see a resource's configuration.
func (s *Server) permitConfig(x *network.Exchange, r kmsg.DescribeConfigsRequestResource) error {
	switch metadata.ResourceType(r.ResourceType) {
	case metadata.TopicResource:
		return s.permit(x, describeConfigsTopic, r.ResourceName)
	case metadata.GroupResource:
		return s.permit(x, describeConfigsGroup, r.ResourceName)
	}
	return s.permitCluster(x, describeConfigsCluster)
}

// saidError is a Kafka code with a text for people.
type saidError struct {
	code *kerr.Error
	text string
}

func (e *saidError) Error() string { return e.text }
func (e *saidError) Unwrap() error { return e.code }

func say(code *kerr.Error, format string, args ...any) error {
	return &saidError{code, fmt.Sprintf(format, args...)}
}

// explain is the text beside a code.
func explain(err error) string {
	if k, ok := err.(*kerr.Error); ok {
		return k.Description
	}
	return err.Error()
}

func (s *Server) describeResource(r kmsg.DescribeConfigsRequestResource) ([]config.Entry, error) {
	image, broker := s.Cluster.Image(), s.Broker()
	set := image.Config(metadata.Resource{Type: metadata.ResourceType(r.ResourceType), Name: r.ResourceName})
	switch metadata.ResourceType(r.ResourceType) {
	case metadata.TopicResource:
		if err := cluster.CheckTopicName(r.ResourceName); err != nil {
			return nil, say(kerr.InvalidTopicException, "%v", err)
		}
		t := image.Topic(r.ResourceName)
		if t == nil {
			return nil, kerr.UnknownTopicOrPartition
		}
		return broker.DescribeTopic(set, len(t.Partitions[0].Replicas), r.ConfigNames), nil
	case metadata.BrokerResource:
		return s.describeBroker(r)
	case metadata.GroupResource:
		if r.ResourceName == "" {
			return nil, say(kerr.InvalidRequest, "Group name must not be empty")
		}
		return broker.DescribeGroup(set, r.ConfigNames), nil
	case metadata.ClientMetricsResource:
		if r.ResourceName == "" {
			return nil, say(kerr.InvalidRequest, "Client metrics subscription name must not be empty")
		}
		return broker.DescribeMetrics(set, r.ConfigNames), nil
	case metadata.BrokerLoggerResource:
		return nil, say(kerr.InvalidRequest, "Log levels are changed on the admin listener (/admin/loggers)")
	}
	return nil, say(kerr.InvalidRequest, "Unexpected resource type %d", r.ResourceType)
}

func (s *Server) describeBroker(r kmsg.DescribeConfigsRequestResource) ([]config.Entry, error) {
	if r.ResourceName == "" {
		return s.Broker().DescribeClusterDefault(r.ConfigNames), nil
	}
	id, err := strconv.Atoi(r.ResourceName)
	switch {
	case err != nil:
		return nil, say(kerr.InvalidRequest, "Broker id must be an integer, but it is: %s", r.ResourceName)
	case int32(id) != s.Self:
		return nil, say(kerr.InvalidRequest, "Unexpected broker id, expected %d or empty string, but received %s", s.Self, r.ResourceName)
	}
	return s.Broker().DescribeBroker(r.ConfigNames), nil
}

// configTypes are DescribeConfigs' numbers.
var configTypes = map[configkey.Type]kmsg.ConfigType{
	configkey.Bool: kmsg.ConfigTypeBoolean, configkey.String: kmsg.ConfigTypeString, configkey.Int: kmsg.ConfigTypeInt,
	configkey.Short: kmsg.ConfigTypeShort, configkey.Long: kmsg.ConfigTypeLong, configkey.Double: kmsg.ConfigTypeDouble,
	configkey.List: kmsg.ConfigTypeList, configkey.Class: kmsg.ConfigTypeClass, configkey.Password: kmsg.ConfigTypePassword,
}

func configEntry(e config.Entry, req *kmsg.DescribeConfigsRequest) kmsg.DescribeConfigsResponseResourceConfig {
	out := kmsg.NewDescribeConfigsResponseResourceConfig()
	out.Name, out.Value, out.ReadOnly, out.IsSensitive = e.Key.Name, e.Value, e.ReadOnly, e.Key.Sensitive()
	out.Source = kmsg.ConfigSource(e.Source)
	out.IsDefault = e.Source == config.FromDefault
	if req.Version >= 3 {
		out.ConfigType = configTypes[e.Key.Type]
		if req.IncludeDocumentation && e.Key.Doc != "" {
			out.Documentation = kmsg.StringPtr(e.Key.Doc)
		}
	}
	if req.IncludeSynonyms {
		for _, s := range e.Synonyms {
			y := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
			y.Name, y.Value, y.Source = s.Name, s.Value, kmsg.ConfigSource(s.Source)
			out.ConfigSynonyms = append(out.ConfigSynonyms, y)
		}
	}
	return out
}
