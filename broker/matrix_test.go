package broker_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/brokertest"
	"github.com/mainstem-io/mainstem/broker/internal/api"
)

// right is an operation on a kind of resource; the resource is called t, g or x, or is the cluster.
type right struct{ operation, resource string }

func (r right) String() string { return r.operation + " on " + r.resource }

// cell is a request of an API, and sets of rights of which each is enough. With a part of one it is refused.
type cell struct {
	version int16
	request func() kmsg.Request
	enough  [][]right
	refusal *kerr.Error
}

// build makes a request and lets a function fill it.
func build[R kmsg.Request](fill func(R)) func() kmsg.Request {
	return func() kmsg.Request {
		r := reflect.New(reflect.TypeFor[R]().Elem()).Interface().(R)
		if d, ok := any(r).(interface{ Default() }); ok {
			d.Default()
		}
		fill(r)
		return r
	}
}

var (
	onCluster = func(op string) [][]right { return [][]right{{{op, "CLUSTER"}}} }
	onTopic   = func(op string) [][]right { return [][]right{{{op, "TOPIC"}}} }
	onGroup   = func(op string) [][]right { return [][]right{{{op, "GROUP"}}} }
	topicFail = kerr.TopicAuthorizationFailed
	clusterNo = kerr.ClusterAuthorizationFailed
	groupFail = kerr.GroupAuthorizationFailed
	txnFail   = kerr.TransactionalIDAuthorizationFailed
)

func groupAndTopic(onGroup, onTopic string) [][]right {
	return [][]right{{{onGroup, "GROUP"}, {onTopic, "TOPIC"}}}
}

// authorizationFailed are the codes of refusals.
var authorizationFailed = []int16{topicFail.Code, groupFail.Code, clusterNo.Code, txnFail.Code, kerr.DelegationTokenAuthorizationFailed.Code}

// matrix is the requests, by kmsg's name of the API. Rows of the table that the broker enforces are compared with it.
var matrix = map[string][]cell{
	"Produce": {
		{9, build(func(r *kmsg.ProduceRequest) { r.Acks, r.Topics = -1, produceTo("t") }), onTopic("WRITE"), topicFail},
		{9, build(func(r *kmsg.ProduceRequest) { r.Acks, r.TransactionID, r.Topics = -1, new("x"), produceTo("t") }), [][]right{{{"WRITE", "TRANSACTIONAL_ID"}, {"WRITE", "TOPIC"}}}, txnFail},
	},
	"Fetch": {
		{11, build(func(r *kmsg.FetchRequest) { r.ReplicaID, r.Topics = -1, fetchFrom("t") }), onTopic("READ"), topicFail},
		{11, build(func(r *kmsg.FetchRequest) { r.ReplicaID, r.Topics = 7, fetchFrom("t") }), onCluster("CLUSTER_ACTION"), topicFail},
	},
	"ListOffsets": {{7, build(func(r *kmsg.ListOffsetsRequest) {
		r.ReplicaID = -1
		r.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: "t", Partitions: []kmsg.ListOffsetsRequestTopicPartition{{Timestamp: -1, CurrentLeaderEpoch: -1}}}}
	}), onTopic("DESCRIBE"), topicFail}},
	"Metadata": {
		{9, build(func(r *kmsg.MetadataRequest) { r.Topics = []kmsg.MetadataRequestTopic{{Topic: new("t")}} }), onTopic("DESCRIBE"), topicFail},
		{9, build(func(r *kmsg.MetadataRequest) {
			r.AllowAutoTopicCreation, r.Topics = true, []kmsg.MetadataRequestTopic{{Topic: new("new")}}
		}), [][]right{{{"DESCRIBE", "TOPIC"}, {"CREATE", "TOPIC"}}, {{"DESCRIBE", "TOPIC"}, {"CREATE", "CLUSTER"}}}, topicFail},
	},
	"FindCoordinator": {
		{4, build(func(r *kmsg.FindCoordinatorRequest) { r.CoordinatorKeys = []string{"g"} }), [][]right{{{"DESCRIBE", "GROUP"}}}, groupFail},
		{4, build(func(r *kmsg.FindCoordinatorRequest) { r.CoordinatorType, r.CoordinatorKeys = 1, []string{"x"} }), [][]right{{{"DESCRIBE", "TRANSACTIONAL_ID"}}}, txnFail},
	},
	"OffsetCommit": {{7, build(func(r *kmsg.OffsetCommitRequest) {
		r.Group, r.Generation = "g", -1
		r.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: 1}}}}
	}), groupAndTopic("READ", "READ"), groupFail}},
	"OffsetFetch": {
		{5, build(func(r *kmsg.OffsetFetchRequest) {
			r.Group, r.Topics = "g", []kmsg.OffsetFetchRequestTopic{{Topic: "t", Partitions: []int32{0}}}
		}), groupAndTopic("DESCRIBE", "DESCRIBE"), groupFail},
		{8, build(func(r *kmsg.OffsetFetchRequest) {
			r.Groups = []kmsg.OffsetFetchRequestGroup{{Group: "g", MemberEpoch: -1, Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", Partitions: []int32{0}}}}}
		}), groupAndTopic("DESCRIBE", "DESCRIBE"), groupFail},
	},
	"OffsetDelete": {{0, build(func(r *kmsg.OffsetDeleteRequest) {
		r.Group, r.Topics = "g", []kmsg.OffsetDeleteRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}}}
	}), groupAndTopic("DELETE", "READ"), groupFail}},
	"JoinGroup": {{4, build(func(r *kmsg.JoinGroupRequest) {
		r.Group, r.SessionTimeoutMillis, r.ProtocolType = "g", 6000, "x"
		r.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "p"}}
	}), onGroup("READ"), groupFail}},
	"SyncGroup":      {{4, build(func(r *kmsg.SyncGroupRequest) { r.Group = "g" }), onGroup("READ"), groupFail}},
	"Heartbeat":      {{4, build(func(r *kmsg.HeartbeatRequest) { r.Group = "g" }), onGroup("READ"), groupFail}},
	"LeaveGroup":     {{4, build(func(r *kmsg.LeaveGroupRequest) { r.Group = "g" }), onGroup("READ"), groupFail}},
	"DescribeGroups": {{5, build(func(r *kmsg.DescribeGroupsRequest) { r.Groups = []string{"g"} }), onGroup("DESCRIBE"), groupFail}},
	"DeleteGroups":   {{2, build(func(r *kmsg.DeleteGroupsRequest) { r.Groups = []string{"g"} }), onGroup("DELETE"), groupFail}},
	"ConsumerGroupHeartbeat": {{0, build(func(r *kmsg.ConsumerGroupHeartbeatRequest) {
		r.Group, r.MemberID, r.MemberEpoch, r.RebalanceTimeoutMillis = "g", "m", 0, 1000
		r.SubscribedTopicNames, r.Topics = []string{"t"}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	}), groupAndTopic("READ", "DESCRIBE"), groupFail}},
	"ConsumerGroupDescribe": {{0, build(func(r *kmsg.ConsumerGroupDescribeRequest) { r.Groups = []string{"g2"} }), onGroup("DESCRIBE"), groupFail}},
	"CreateTopics": {{7, build(func(r *kmsg.CreateTopicsRequest) {
		r.ValidateOnly, r.Topics = true, []kmsg.CreateTopicsRequestTopic{{Topic: "new", NumPartitions: 1, ReplicationFactor: 1}}
	}), [][]right{{{"CREATE", "CLUSTER"}}, {{"CREATE", "TOPIC"}}}, topicFail}},
	"DeleteTopics": {{6, build(func(r *kmsg.DeleteTopicsRequest) { r.Topics = []kmsg.DeleteTopicsRequestTopic{{Topic: new("absent")}} }),
		[][]right{{{"DELETE", "CLUSTER"}}, {{"DELETE", "TOPIC"}}}, topicFail}},
	"DeleteRecords": {{2, build(func(r *kmsg.DeleteRecordsRequest) {
		r.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: "t", Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{}}}}
	}), onTopic("DELETE"), topicFail}},
	"InitProducerID": {
		{4, build(func(r *kmsg.InitProducerIDRequest) { r.TransactionalID, r.TransactionTimeoutMillis = new("x"), 1000 }), [][]right{{{"WRITE", "TRANSACTIONAL_ID"}}}, txnFail},
		{4, build(func(*kmsg.InitProducerIDRequest) {}), [][]right{{{"IDEMPOTENT_WRITE", "CLUSTER"}}, {{"WRITE", "TOPIC"}}}, clusterNo},
	},
	"OffsetForLeaderEpoch": {{4, build(func(r *kmsg.OffsetForLeaderEpochRequest) {
		r.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1}}}}
	}), [][]right{{{"DESCRIBE", "TOPIC"}}, {{"CLUSTER_ACTION", "CLUSTER"}}}, topicFail}},
	"DescribeACLs": {{3, build(func(r *kmsg.DescribeACLsRequest) {
		r.ResourceType, r.ResourcePatternType, r.Operation, r.PermissionType = 1, 1, 1, 1
	}), onCluster("DESCRIBE"), clusterNo}},
	"CreateACLs": {{3, build(func(r *kmsg.CreateACLsRequest) {
		r.Creations = []kmsg.CreateACLsRequestCreation{{ResourceType: 2, ResourceName: "z", ResourcePatternType: 3, Principal: "User:z", Host: "*", Operation: 3, PermissionType: 3}}
	}), onCluster("ALTER"), clusterNo}},
	"DeleteACLs": {{3, build(func(r *kmsg.DeleteACLsRequest) {
		r.Filters = []kmsg.DeleteACLsRequestFilter{{ResourceType: 2, ResourceName: new("z"), ResourcePatternType: 3, Operation: 1, PermissionType: 1}}
	}), onCluster("ALTER"), clusterNo}},
	"DescribeConfigs": {
		{4, build(func(r *kmsg.DescribeConfigsRequest) {
			r.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: 2, ResourceName: "t"}}
		}), onTopic("DESCRIBE_CONFIGS"), topicFail},
		{4, build(func(r *kmsg.DescribeConfigsRequest) {
			r.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: 4, ResourceName: "1"}}
		}), onCluster("DESCRIBE_CONFIGS"), clusterNo},
		{4, build(func(r *kmsg.DescribeConfigsRequest) {
			r.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: 32, ResourceName: "g"}}
		}), [][]right{{{"DESCRIBE_CONFIGS", "GROUP"}}}, groupFail},
	},
	"AlterConfigs": {
		{1, build(func(r *kmsg.AlterConfigsRequest) {
			r.ValidateOnly, r.Resources = true, []kmsg.AlterConfigsRequestResource{{ResourceType: 2, ResourceName: "t"}}
		}), onTopic("ALTER_CONFIGS"), topicFail},
		{1, build(func(r *kmsg.AlterConfigsRequest) {
			r.ValidateOnly, r.Resources = true, []kmsg.AlterConfigsRequestResource{{ResourceType: 4, ResourceName: "1"}}
		}), onCluster("ALTER_CONFIGS"), clusterNo},
		{1, build(func(r *kmsg.AlterConfigsRequest) {
			r.ValidateOnly, r.Resources = true, []kmsg.AlterConfigsRequestResource{{ResourceType: 32, ResourceName: "g"}}
		}), [][]right{{{"ALTER_CONFIGS", "GROUP"}}}, groupFail},
	},
	"IncrementalAlterConfigs": {
		{1, build(func(r *kmsg.IncrementalAlterConfigsRequest) {
			r.ValidateOnly, r.Resources = true, []kmsg.IncrementalAlterConfigsRequestResource{{ResourceType: 2, ResourceName: "t"}}
		}), onTopic("ALTER_CONFIGS"), topicFail},
		{1, build(func(r *kmsg.IncrementalAlterConfigsRequest) {
			r.ValidateOnly, r.Resources = true, []kmsg.IncrementalAlterConfigsRequestResource{{ResourceType: 4, ResourceName: "1"}}
		}), onCluster("ALTER_CONFIGS"), clusterNo},
		{1, build(func(r *kmsg.IncrementalAlterConfigsRequest) {
			r.ValidateOnly, r.Resources = true, []kmsg.IncrementalAlterConfigsRequestResource{{ResourceType: 32, ResourceName: "g"}}
		}), [][]right{{{"ALTER_CONFIGS", "GROUP"}}}, groupFail},
	},
	"AlterReplicaLogDirs": {{2, build(func(r *kmsg.AlterReplicaLogDirsRequest) {
		r.Dirs = []kmsg.AlterReplicaLogDirsRequestDir{{Dir: "/d", Topics: []kmsg.AlterReplicaLogDirsRequestDirTopic{{Topic: "t", Partitions: []int32{0}}}}}
	}), onCluster("ALTER"), clusterNo}},
	"DescribeLogDirs": {{4, build(func(*kmsg.DescribeLogDirsRequest) {}), onCluster("DESCRIBE"), clusterNo}},
	"CreatePartitions": {{3, build(func(r *kmsg.CreatePartitionsRequest) {
		r.ValidateOnly, r.Topics = true, []kmsg.CreatePartitionsRequestTopic{{Topic: "t", Count: 2}}
	}), onTopic("ALTER"), topicFail}},
	"ElectLeaders": {{2, build(func(r *kmsg.ElectLeadersRequest) {
		r.Topics = []kmsg.ElectLeadersRequestTopic{{Topic: "t", Partitions: []int32{0}}}
	}), onCluster("ALTER"), clusterNo}},
	"AlterPartitionAssignments":  {{0, build(func(*kmsg.AlterPartitionAssignmentsRequest) {}), onCluster("ALTER"), clusterNo}},
	"ListPartitionReassignments": {{0, build(func(*kmsg.ListPartitionReassignmentsRequest) {}), onCluster("DESCRIBE"), clusterNo}},
	"DescribeClientQuotas":       {{1, build(func(*kmsg.DescribeClientQuotasRequest) {}), onCluster("DESCRIBE_CONFIGS"), clusterNo}},
	"AlterClientQuotas": {{1, build(func(r *kmsg.AlterClientQuotasRequest) {
		r.ValidateOnly, r.Entries = true, []kmsg.AlterClientQuotasRequestEntry{{Entity: []kmsg.AlterClientQuotasRequestEntryEntity{{Type: "user", Name: new("z")}}}}
	}), onCluster("ALTER_CONFIGS"), clusterNo}},
	"DescribeUserSCRAMCredentials": {{0, build(func(*kmsg.DescribeUserSCRAMCredentialsRequest) {}), onCluster("DESCRIBE"), clusterNo}},
	"AlterUserSCRAMCredentials": {{0, build(func(r *kmsg.AlterUserSCRAMCredentialsRequest) {
		r.Deletions = []kmsg.AlterUserSCRAMCredentialsRequestDeletion{{Name: "z", Mechanism: 1}}
	}), onCluster("ALTER"), clusterNo}},
	"DescribeQuorum": {{1, build(func(*kmsg.DescribeQuorumRequest) {}), onCluster("DESCRIBE"), clusterNo}},
	"UpdateFeatures": {{1, build(func(r *kmsg.UpdateFeaturesRequest) { r.ValidateOnly = true }), onCluster("ALTER"), clusterNo}},
	"DescribeProducers": {{0, build(func(r *kmsg.DescribeProducersRequest) {
		r.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: "t", Partitions: []int32{0}}}
	}), onTopic("READ"), topicFail}},
	"UnregisterBroker":    {{0, build(func(r *kmsg.UnregisterBrokerRequest) { r.BrokerID = 77 }), onCluster("ALTER"), clusterNo}},
	"ListConfigResources": {{1, build(func(*kmsg.ListConfigResourcesRequest) {}), onCluster("DESCRIBE_CONFIGS"), clusterNo}},
	"DescribeTopicPartitions": {{0, build(func(r *kmsg.DescribeTopicPartitionsRequest) {
		r.Topics = []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: "t"}}
	}), onTopic("DESCRIBE"), topicFail}},
	"AddPartitionsToTxn": {
		{3, build(func(r *kmsg.AddPartitionsToTxnRequest) {
			r.TransactionalID, r.Topics = "x", []kmsg.AddPartitionsToTxnRequestTopic{{Topic: "t", Partitions: []int32{0}}}
		}), [][]right{{{"WRITE", "TRANSACTIONAL_ID"}, {"WRITE", "TOPIC"}}}, txnFail},
		{4, build(func(r *kmsg.AddPartitionsToTxnRequest) {
			topics := []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: "t", Partitions: []int32{0}}}
			r.Transactions = []kmsg.AddPartitionsToTxnRequestTransaction{{TransactionalID: "x", Topics: topics}}
		}), onCluster("CLUSTER_ACTION"), clusterNo},
	},
	"AddOffsetsToTxn": {{3, build(func(r *kmsg.AddOffsetsToTxnRequest) { r.TransactionalID, r.Group = "x", "g" }),
		[][]right{{{"WRITE", "TRANSACTIONAL_ID"}, {"READ", "GROUP"}}}, txnFail}},
	"EndTxn": {{3, build(func(r *kmsg.EndTxnRequest) { r.TransactionalID = "x" }), [][]right{{{"WRITE", "TRANSACTIONAL_ID"}}}, txnFail}},
	"TxnOffsetCommit": {{3, build(func(r *kmsg.TxnOffsetCommitRequest) {
		r.TransactionalID, r.Group, r.Generation = "x", "g", -1
		r.Topics = []kmsg.TxnOffsetCommitRequestTopic{{Topic: "t", Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{{Offset: 1}}}}
	}), [][]right{{{"WRITE", "TRANSACTIONAL_ID"}, {"READ", "GROUP"}, {"READ", "TOPIC"}}}, txnFail}},
	"WriteTxnMarkers": {{1, build(func(r *kmsg.WriteTxnMarkersRequest) {
		topics := []kmsg.WriteTxnMarkersRequestMarkerTopic{{Topic: "absent", Partitions: []int32{0}}}
		r.Markers = []kmsg.WriteTxnMarkersRequestMarker{{ProducerID: 1, Topics: topics}}
	}), [][]right{{{"CLUSTER_ACTION", "CLUSTER"}}, {{"ALTER", "CLUSTER"}}}, clusterNo}},
	"DescribeTransactions": {{0, build(func(r *kmsg.DescribeTransactionsRequest) { r.TransactionalIDs = []string{"x"} }), [][]right{{{"DESCRIBE", "TRANSACTIONAL_ID"}}}, txnFail}},
}

// beside are rows that no request above is refused by: they show more, or are tested on their own.
var beside = map[string][]right{
	"Metadata":                {{"DESCRIBE", "CLUSTER"}},                                       // its operations
	"DescribeCluster":         {{"DESCRIBE", "CLUSTER"}},                                       // its operations
	"CreateTopics":            {{"DESCRIBE_CONFIGS", "TOPIC"}},                                 // the configuration of a new topic
	"DeleteTopics":            {{"DESCRIBE", "TOPIC"}},                                         // the name of a topic that was asked for by id
	"FindCoordinator":         {{"CLUSTER_ACTION", "CLUSTER"}},                                 // share groups, which are not served
	"InitProducerID":          {{"TWO_PHASE_COMMIT", "TRANSACTIONAL_ID"}},                      // KIP-939, which is not served
	"CreateDelegationToken":   {{"CREATE_TOKENS", "USER"}},                                     // TestDelegationTokens
	"DescribeDelegationToken": {{"DESCRIBE_TOKENS", "USER"}, {"DESCRIBE", "DELEGATION_TOKEN"}}, // TestDelegationTokens
	"ListGroups":              {{"DESCRIBE", "CLUSTER"}, {"DESCRIBE", "GROUP"}},                // TestGroupsAreListedForThoseWhoMayDescribeThem
	"DescribeTransactions":    {{"DESCRIBE", "TOPIC"}},                                         // topics that a transaction has
	"ListTransactions":        {{"DESCRIBE", "TRANSACTIONAL_ID"}},                              // shows what may be seen
	"ConsumerGroupDescribe":   {{"DESCRIBE", "TOPIC"}},                                         // topics that members have
}

func produceTo(topic string) []kmsg.ProduceRequestTopic {
	return []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: idempotentBatch(-1, -1, -1, "v")}}}}
}

func fetchFrom(topic string) []kmsg.FetchRequestTopic {
	p := kmsg.NewFetchRequestTopicPartition()
	p.PartitionMaxBytes, p.CurrentLeaderEpoch = 1<<20, -1
	return []kmsg.FetchRequestTopic{{Topic: topic, Partitions: []kmsg.FetchRequestTopicPartition{p}}}
}

// grant gives a user exactly these rights.
func grant(t *testing.T, adm *kadm.Client, user string, rights []right) {
	t.Helper()
	operations := map[string]kadm.ACLOperation{
		"READ": kadm.OpRead, "WRITE": kadm.OpWrite, "CREATE": kadm.OpCreate, "DELETE": kadm.OpDelete, "ALTER": kadm.OpAlter, "DESCRIBE": kadm.OpDescribe,
		"CLUSTER_ACTION": kadm.OpClusterAction, "DESCRIBE_CONFIGS": kadm.OpDescribeConfigs, "ALTER_CONFIGS": kadm.OpAlterConfigs, "IDEMPOTENT_WRITE": kadm.OpIdempotentWrite,
	}
	for _, r := range rights {
		b := kadm.NewACLs().Allow("User:" + user).AllowHosts("*").ResourcePatternType(kadm.ACLPatternLiteral).Operations(operations[r.operation])
		switch r.resource {
		case "TOPIC":
			b = b.Topics("t", "new", "absent")
		case "GROUP":
			b = b.Groups("g", "g2")
		case "CLUSTER":
			b = b.Clusters()
		case "TRANSACTIONAL_ID":
			b = b.TransactionalIDs("x")
		}
		made, err := adm.CreateACLs(patient(t), b)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range made {
			if m.Err != nil {
				t.Fatalf("%v: %v", r, m.Err)
			}
		}
	}
}

// codes finds every error code in an answer.
func codes(v reflect.Value) (out []int16) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out = codes(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = append(out, codes(v.Index(i))...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "ErrorCode" {
				out = append(out, int16(v.Field(i).Int()))
			} else if k := v.Field(i).Kind(); k == reflect.Slice || k == reflect.Struct || k == reflect.Pointer {
				out = append(out, codes(v.Field(i))...)
			}
		}
	}
	return out
}

// TestMatrixOfAPIsAndACLs asks each API without a right, with each right alone, and with enough of them. It is the test of
// CVE-2026-41115, where an API asked for the wrong operation.
func TestMatrixOfAPIsAndACLs(t *testing.T) {
	t.Parallel()
	b := startSecured(t, brokertest.Set("offsets.topic.num.partitions", "1"), brokertest.Set("transaction.state.log.num.partitions", "1"))
	adm := adminOf(t, b)
	if _, err := adm.CreateTopic(patient(t), 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset("t", 0, 0, -1)
	if err := adm.CommitAllOffsets(patient(t), "warm-up", offsets); err != nil { // the coordinator is there from now on
		t.Fatal(err)
	}
	clear := func() {
		t.Helper()
		if _, err := adm.DeleteACLs(patient(t), kadm.NewACLs().Allow("User:alice").AllowHosts("*").AnyResource().ResourcePatternType(kadm.ACLPatternLiteral).Operations()); err != nil {
			t.Fatal(err)
		}
		_, _ = adm.DeleteTopics(patient(t), "new") // if a request made it
	}
	refused := func(c cell, by ...int16) bool {
		t.Helper()
		resp := dialRaw(t, b).login("alice", "alice-secret").ask(c.request(), c.version)
		return slices.ContainsFunc(codes(reflect.ValueOf(resp)), func(code int16) bool { return slices.Contains(by, code) })
	}
	for _, name := range slices.Sorted(maps.Keys(matrix)) {
		for i, c := range matrix[name] {
			what := fmt.Sprintf("%s, request %d", name, i+1)
			clear()
			if !refused(c, c.refusal.Code) {
				t.Errorf("%s: it is served without any right", what)
			}
			for _, set := range c.enough {
				for skip := range set {
					if rest := slices.Delete(slices.Clone(set), skip, skip+1); len(rest) > 0 {
						clear()
						grant(t, adm, "alice", rest)
						if !refused(c, authorizationFailed...) && !(set[skip].operation == "DESCRIBE" && slices.ContainsFunc(rest, func(r right) bool { return r.resource == set[skip].resource })) {
							t.Errorf("%s: it is served with %v alone", what, rest)
						}
					}
				}
				clear()
				grant(t, adm, "alice", set)
				if refused(c, authorizationFailed...) {
					t.Errorf("%s: it is refused with %v", what, set)
				}
			}
		}
	}
}

// TestTheMatrixIsWhole compares the rows that the broker enforces with those that are tested.
func TestTheMatrixIsWhole(t *testing.T) {
	for _, r := range api.Requirements() {
		if !api.Serves(r.Key) {
			continue
		}
		name, want := r.API, right{r.Operation, r.Resource}
		found := slices.Contains(beside[name], want)
		for _, c := range matrix[name] {
			for _, set := range c.enough {
				found = found || slices.Contains(set, want)
			}
		}
		if !found {
			t.Errorf("%s asks for %v, and no request of the matrix is refused without it", name, want)
		}
	}
	for name := range matrix {
		if !slices.ContainsFunc(api.Requirements(), func(r api.Requirement) bool { return r.API == name }) {
			t.Errorf("%s is tested and has no row", name)
		}
	}
}
