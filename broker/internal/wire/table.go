package wire

// KeyApiVersions is the one key that the layers below the handlers have to know (KIP-511).
const KeyApiVersions = 18

// API is one row of the version table.
type API struct {
	Key           int16
	Name          string // Kafka's name
	Min, Max      int16  // served, both inclusive
	AdvertisedMin int16  // what ApiVersions says; below Min only for Produce
	FirstFlexible int16  // from here on headers are of version 2 and bodies compact; 32767 for never
}

func (a API) serves(version int16) bool { return a.Min <= version && version <= a.Max }

// Table maps keys to rows.
type Table struct{ rows *[keys]API }

// keys is one more than the highest key in the protocol.
const keys = 95

// API returns the row of a key, false when the table does not serve it.
func (t Table) API(key int16) (API, bool) {
	if key < 0 || key >= keys || t.rows == nil || t.rows[key].Name == "" {
		return API{}, false
	}
	return t.rows[key], true
}

// Supported says whether requests of that key and version are served.
func (t Table) Supported(key, version int16) bool {
	a, ok := t.API(key)
	return ok && a.serves(version)
}

// APIs returns the rows in order of their keys.
func (t Table) APIs() []API {
	var all []API
	for key := range int16(keys) {
		if a, ok := t.API(key); ok {
			all = append(all, a)
		}
	}
	return all
}

// Only returns the table of those rows that has holds for: an API is served when somebody handles it.
func (t Table) Only(has func(key int16) bool) Table {
	rows := new([keys]API)
	for _, a := range t.APIs() {
		if has(a.Key) {
			rows[a.Key] = a
		}
	}
	return Table{rows}
}

// Supported says whether [Served] has that key and version.
func Supported(key, version int16) bool { return Served.Supported(key, version) }

// Served is the one table of versions: the ranges of Apache Kafka 4.3.1 on a broker's listener. It lacks what Kafka keeps
// between its own nodes (keys 52-54, 56, 58, 59, 62, 63, 67, 70, 73, 82-87); see [Table.Only] for what lacks a handler.
//
// Produce is the one lie: versions 0-2 are gone (KIP-896), but librdkafka before 2.11.1 takes their absence for a broker
// that knows no compression (KAFKA-18659).
var Served = func() Table {
	rows := new([keys]API)
	for _, r := range []API{
		{0, "Produce", 3, 13, 0, 9},
		{1, "Fetch", 4, 18, 4, 12},
		{2, "ListOffsets", 1, 11, 1, 6},
		{3, "Metadata", 0, 13, 0, 9},
		{8, "OffsetCommit", 2, 10, 2, 8},
		{9, "OffsetFetch", 1, 10, 1, 6},
		{10, "FindCoordinator", 0, 6, 0, 3},
		{11, "JoinGroup", 0, 9, 0, 6},
		{12, "Heartbeat", 0, 4, 0, 4},
		{13, "LeaveGroup", 0, 5, 0, 4},
		{14, "SyncGroup", 0, 5, 0, 4},
		{15, "DescribeGroups", 0, 6, 0, 5},
		{16, "ListGroups", 0, 5, 0, 3},
		{17, "SaslHandshake", 0, 1, 0, neverFlexible},
		{18, "ApiVersions", 0, 4, 0, 3},
		{19, "CreateTopics", 2, 7, 2, 5},
		{20, "DeleteTopics", 1, 6, 1, 4},
		{21, "DeleteRecords", 0, 2, 0, 2},
		{22, "InitProducerId", 0, 5, 0, 2},
		{23, "OffsetForLeaderEpoch", 2, 4, 2, 4},
		{24, "AddPartitionsToTxn", 0, 5, 0, 3},
		{25, "AddOffsetsToTxn", 0, 4, 0, 3},
		{26, "EndTxn", 0, 5, 0, 3},
		{27, "WriteTxnMarkers", 1, 2, 1, 1},
		{28, "TxnOffsetCommit", 0, 5, 0, 3},
		{29, "DescribeAcls", 1, 3, 1, 2},
		{30, "CreateAcls", 1, 3, 1, 2},
		{31, "DeleteAcls", 1, 3, 1, 2},
		{32, "DescribeConfigs", 1, 4, 1, 4},
		{33, "AlterConfigs", 0, 2, 0, 2},
		{34, "AlterReplicaLogDirs", 1, 2, 1, 2},
		{35, "DescribeLogDirs", 1, 5, 1, 2},
		{36, "SaslAuthenticate", 0, 2, 0, 2},
		{37, "CreatePartitions", 0, 3, 0, 2},
		{38, "CreateDelegationToken", 1, 3, 1, 2},
		{39, "RenewDelegationToken", 1, 2, 1, 2},
		{40, "ExpireDelegationToken", 1, 2, 1, 2},
		{41, "DescribeDelegationToken", 1, 3, 1, 2},
		{42, "DeleteGroups", 0, 2, 0, 2},
		{43, "ElectLeaders", 0, 2, 0, 2},
		{44, "IncrementalAlterConfigs", 0, 1, 0, 1},
		{45, "AlterPartitionReassignments", 0, 1, 0, 0},
		{46, "ListPartitionReassignments", 0, 0, 0, 0},
		{47, "OffsetDelete", 0, 0, 0, neverFlexible},
		{48, "DescribeClientQuotas", 0, 1, 0, 1},
		{49, "AlterClientQuotas", 0, 1, 0, 1},
		{50, "DescribeUserScramCredentials", 0, 0, 0, 0},
		{51, "AlterUserScramCredentials", 0, 0, 0, 0},
		{55, "DescribeQuorum", 0, 2, 0, 0},
		{57, "UpdateFeatures", 0, 2, 0, 0},
		{60, "DescribeCluster", 0, 2, 0, 0},
		{61, "DescribeProducers", 0, 0, 0, 0},
		{64, "UnregisterBroker", 0, 0, 0, 0},
		{65, "DescribeTransactions", 0, 0, 0, 0},
		{66, "ListTransactions", 0, 2, 0, 0},
		{68, "ConsumerGroupHeartbeat", 0, 1, 0, 0},
		{69, "ConsumerGroupDescribe", 0, 1, 0, 0},
		{71, "GetTelemetrySubscriptions", 0, 0, 0, 0},
		{72, "PushTelemetry", 0, 0, 0, 0},
		{74, "ListConfigResources", 0, 1, 0, 0},
		{75, "DescribeTopicPartitions", 0, 0, 0, 0},
		{76, "ShareGroupHeartbeat", 1, 1, 1, 0},
		{77, "ShareGroupDescribe", 1, 1, 1, 0},
		{78, "ShareFetch", 1, 2, 1, 0},
		{79, "ShareAcknowledge", 1, 2, 1, 0},
		{80, "AddRaftVoter", 0, 1, 0, 0},
		{81, "RemoveRaftVoter", 0, 0, 0, 0},
		{88, "StreamsGroupHeartbeat", 0, 0, 0, 0},
		{89, "StreamsGroupDescribe", 0, 0, 0, 0},
		{90, "DescribeShareGroupOffsets", 0, 1, 0, 0},
		{91, "AlterShareGroupOffsets", 0, 0, 0, 0},
		{92, "DeleteShareGroupOffsets", 0, 0, 0, 0},
	} {
		rows[r.Key] = r
	}
	return Table{rows}
}()
