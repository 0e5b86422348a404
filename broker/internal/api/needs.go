package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// need is a row of needs: what an API asks of the authorizer about one kind of thing in its requests.
type need uint8

const (
	produceTransaction need = iota
	produceTopic
	fetchTopic
	fetchReplica
	listOffsetsTopic
	metadataTopicDescribe
	metadataClusterCreate
	metadataTopicCreate
	metadataCluster
	offsetCommitGroup
	offsetCommitTopic
	offsetFetchGroup
	offsetFetchTopic
	findGroup
	findTransaction
	findShare
	joinGroupGroup
	heartbeatGroup
	leaveGroupGroup
	syncGroupGroup
	describeGroupsGroup
	listGroupsCluster
	listGroupsGroup
	createTopicsCluster
	createTopicsTopic
	createTopicsConfigs
	deleteTopicsCluster
	deleteTopicsDescribe
	deleteTopicsTopic
	deleteRecordsTopic
	initTransaction
	initIdempotent
	initIdempotentTopic
	initTwoPhase
	epochReplica
	epochTopic
	addPartitionsTransaction
	addPartitionsTopic
	addPartitionsCluster
	addOffsetsTransaction
	addOffsetsGroup
	endTxnTransaction
	writeMarkersCluster
	writeMarkersAlter
	txnCommitTransaction
	txnCommitGroup
	txnCommitTopic
	describeACLsCluster
	createACLsCluster
	deleteACLsCluster
	describeConfigsCluster
	describeConfigsTopic
	describeConfigsGroup
	alterConfigsCluster
	alterConfigsTopic
	alterConfigsGroup
	alterLogDirsCluster
	describeLogDirsCluster
	createPartitionsTopic
	createTokenUser
	describeTokenUser
	describeTokenToken
	deleteGroupsGroup
	electLeadersCluster
	incrementalCluster
	incrementalTopic
	incrementalGroup
	alterReassignmentsCluster
	listReassignmentsCluster
	offsetDeleteGroup
	offsetDeleteTopic
	describeQuotasCluster
	alterQuotasCluster
	describeScramCluster
	alterScramCluster
	describeQuorumCluster
	updateFeaturesCluster
	describeClusterCluster
	describeProducersTopic
	unregisterBrokerCluster
	describeTransactionsTransaction
	describeTransactionsTopic
	listTransactionsTransaction
	consumerHeartbeatGroup
	consumerHeartbeatTopic
	consumerDescribeGroup
	consumerDescribeTopic
	listConfigResourcesCluster
	describePartitionsTopic
	needCount
)

// requirement is the row's content; its resource's name comes from the request.
type requirement struct {
	api       kmsg.Key
	operation security.Operation
	resource  security.ResourceType
}

// needs is the matrix of APIs and ACLs (Kafka's table of authorization primitives). Handlers name rows of it and nothing
// else asks the authorizer; the answer to a refusal follows from the resource, see requirement.refusal.
var needs = [needCount]requirement{
	produceTransaction:              {kmsg.Produce, security.Write, security.TransactionalIDResource},
	produceTopic:                    {kmsg.Produce, security.Write, security.TopicResource},
	fetchTopic:                      {kmsg.Fetch, security.Read, security.TopicResource},
	fetchReplica:                    {kmsg.Fetch, security.ClusterAction, security.ClusterResource}, // CVE-2018-1288
	listOffsetsTopic:                {kmsg.ListOffsets, security.Describe, security.TopicResource},
	metadataTopicDescribe:           {kmsg.Metadata, security.Describe, security.TopicResource},
	metadataClusterCreate:           {kmsg.Metadata, security.Create, security.ClusterResource},
	metadataTopicCreate:             {kmsg.Metadata, security.Create, security.TopicResource},
	metadataCluster:                 {kmsg.Metadata, security.Describe, security.ClusterResource},
	offsetCommitGroup:               {kmsg.OffsetCommit, security.Read, security.GroupResource},
	offsetCommitTopic:               {kmsg.OffsetCommit, security.Read, security.TopicResource},
	offsetFetchGroup:                {kmsg.OffsetFetch, security.Describe, security.GroupResource},
	offsetFetchTopic:                {kmsg.OffsetFetch, security.Describe, security.TopicResource},
	findGroup:                       {kmsg.FindCoordinator, security.Describe, security.GroupResource},
	findTransaction:                 {kmsg.FindCoordinator, security.Describe, security.TransactionalIDResource},
	findShare:                       {kmsg.FindCoordinator, security.ClusterAction, security.ClusterResource},
	joinGroupGroup:                  {kmsg.JoinGroup, security.Read, security.GroupResource},
	heartbeatGroup:                  {kmsg.Heartbeat, security.Read, security.GroupResource},
	leaveGroupGroup:                 {kmsg.LeaveGroup, security.Read, security.GroupResource},
	syncGroupGroup:                  {kmsg.SyncGroup, security.Read, security.GroupResource},
	describeGroupsGroup:             {kmsg.DescribeGroups, security.Describe, security.GroupResource},
	listGroupsCluster:               {kmsg.ListGroups, security.Describe, security.ClusterResource},
	listGroupsGroup:                 {kmsg.ListGroups, security.Describe, security.GroupResource},
	createTopicsCluster:             {kmsg.CreateTopics, security.Create, security.ClusterResource},
	createTopicsTopic:               {kmsg.CreateTopics, security.Create, security.TopicResource},
	createTopicsConfigs:             {kmsg.CreateTopics, security.DescribeConfigs, security.TopicResource},
	deleteTopicsCluster:             {kmsg.DeleteTopics, security.Delete, security.ClusterResource},
	deleteTopicsDescribe:            {kmsg.DeleteTopics, security.Describe, security.TopicResource},
	deleteTopicsTopic:               {kmsg.DeleteTopics, security.Delete, security.TopicResource},
	deleteRecordsTopic:              {kmsg.DeleteRecords, security.Delete, security.TopicResource},
	initTransaction:                 {kmsg.InitProducerID, security.Write, security.TransactionalIDResource},
	initIdempotent:                  {kmsg.InitProducerID, security.IdempotentWrite, security.ClusterResource},
	initIdempotentTopic:             {kmsg.InitProducerID, security.Write, security.TopicResource}, // any topic will do (KIP-679)
	initTwoPhase:                    {kmsg.InitProducerID, security.TwoPhaseCommit, security.TransactionalIDResource},
	epochReplica:                    {kmsg.OffsetForLeaderEpoch, security.ClusterAction, security.ClusterResource},
	epochTopic:                      {kmsg.OffsetForLeaderEpoch, security.Describe, security.TopicResource},
	addPartitionsTransaction:        {kmsg.AddPartitionsToTxn, security.Write, security.TransactionalIDResource},
	addPartitionsTopic:              {kmsg.AddPartitionsToTxn, security.Write, security.TopicResource},
	addPartitionsCluster:            {kmsg.AddPartitionsToTxn, security.ClusterAction, security.ClusterResource}, // v4+: brokers only
	addOffsetsTransaction:           {kmsg.AddOffsetsToTxn, security.Write, security.TransactionalIDResource},
	addOffsetsGroup:                 {kmsg.AddOffsetsToTxn, security.Read, security.GroupResource},
	endTxnTransaction:               {kmsg.EndTxn, security.Write, security.TransactionalIDResource},
	writeMarkersCluster:             {kmsg.WriteTxnMarkers, security.ClusterAction, security.ClusterResource},
	writeMarkersAlter:               {kmsg.WriteTxnMarkers, security.Alter, security.ClusterResource},
	txnCommitTransaction:            {kmsg.TxnOffsetCommit, security.Write, security.TransactionalIDResource},
	txnCommitGroup:                  {kmsg.TxnOffsetCommit, security.Read, security.GroupResource},
	txnCommitTopic:                  {kmsg.TxnOffsetCommit, security.Read, security.TopicResource},
	describeACLsCluster:             {kmsg.DescribeACLs, security.Describe, security.ClusterResource},
	createACLsCluster:               {kmsg.CreateACLs, security.Alter, security.ClusterResource},
	deleteACLsCluster:               {kmsg.DeleteACLs, security.Alter, security.ClusterResource},
	describeConfigsCluster:          {kmsg.DescribeConfigs, security.DescribeConfigs, security.ClusterResource},
	describeConfigsTopic:            {kmsg.DescribeConfigs, security.DescribeConfigs, security.TopicResource},
	describeConfigsGroup:            {kmsg.DescribeConfigs, security.DescribeConfigs, security.GroupResource},
	alterConfigsCluster:             {kmsg.AlterConfigs, security.AlterConfigs, security.ClusterResource},
	alterConfigsTopic:               {kmsg.AlterConfigs, security.AlterConfigs, security.TopicResource},
	alterConfigsGroup:               {kmsg.AlterConfigs, security.AlterConfigs, security.GroupResource},
	alterLogDirsCluster:             {kmsg.AlterReplicaLogDirs, security.Alter, security.ClusterResource},
	describeLogDirsCluster:          {kmsg.DescribeLogDirs, security.Describe, security.ClusterResource},
	createPartitionsTopic:           {kmsg.CreatePartitions, security.Alter, security.TopicResource},
	createTokenUser:                 {kmsg.CreateDelegationToken, security.CreateTokens, security.UserResource}, // for another owner (KIP-373)
	describeTokenUser:               {kmsg.DescribeDelegationToken, security.DescribeTokens, security.UserResource},
	describeTokenToken:              {kmsg.DescribeDelegationToken, security.Describe, security.TokenResource},
	deleteGroupsGroup:               {kmsg.DeleteGroups, security.Delete, security.GroupResource},
	electLeadersCluster:             {kmsg.ElectLeaders, security.Alter, security.ClusterResource},
	incrementalCluster:              {kmsg.IncrementalAlterConfigs, security.AlterConfigs, security.ClusterResource},
	incrementalTopic:                {kmsg.IncrementalAlterConfigs, security.AlterConfigs, security.TopicResource},
	incrementalGroup:                {kmsg.IncrementalAlterConfigs, security.AlterConfigs, security.GroupResource},
	alterReassignmentsCluster:       {kmsg.AlterPartitionAssignments, security.Alter, security.ClusterResource},
	listReassignmentsCluster:        {kmsg.ListPartitionReassignments, security.Describe, security.ClusterResource},
	offsetDeleteGroup:               {kmsg.OffsetDelete, security.Delete, security.GroupResource},
	offsetDeleteTopic:               {kmsg.OffsetDelete, security.Read, security.TopicResource},
	describeQuotasCluster:           {kmsg.DescribeClientQuotas, security.DescribeConfigs, security.ClusterResource},
	alterQuotasCluster:              {kmsg.AlterClientQuotas, security.AlterConfigs, security.ClusterResource},
	describeScramCluster:            {kmsg.DescribeUserSCRAMCredentials, security.Describe, security.ClusterResource},
	alterScramCluster:               {kmsg.AlterUserSCRAMCredentials, security.Alter, security.ClusterResource},
	describeQuorumCluster:           {kmsg.DescribeQuorum, security.Describe, security.ClusterResource},
	updateFeaturesCluster:           {kmsg.UpdateFeatures, security.Alter, security.ClusterResource},
	describeClusterCluster:          {kmsg.DescribeCluster, security.Describe, security.ClusterResource}, // for its operations only
	describeProducersTopic:          {kmsg.DescribeProducers, security.Read, security.TopicResource},
	unregisterBrokerCluster:         {kmsg.UnregisterBroker, security.Alter, security.ClusterResource},
	describeTransactionsTransaction: {kmsg.DescribeTransactions, security.Describe, security.TransactionalIDResource},
	describeTransactionsTopic:       {kmsg.DescribeTransactions, security.Describe, security.TopicResource},
	listTransactionsTransaction:     {kmsg.ListTransactions, security.Describe, security.TransactionalIDResource},
	consumerHeartbeatGroup:          {kmsg.ConsumerGroupHeartbeat, security.Read, security.GroupResource},
	consumerHeartbeatTopic:          {kmsg.ConsumerGroupHeartbeat, security.Describe, security.TopicResource},
	consumerDescribeGroup:           {kmsg.ConsumerGroupDescribe, security.Describe, security.GroupResource}, // CVE-2026-41115
	consumerDescribeTopic:           {kmsg.ConsumerGroupDescribe, security.Describe, security.TopicResource},
	listConfigResourcesCluster:      {kmsg.ListConfigResources, security.DescribeConfigs, security.ClusterResource},
	describePartitionsTopic:         {kmsg.DescribeTopicPartitions, security.Describe, security.TopicResource},
}

// open are the APIs that ask for nothing: they are how a client gets in, or they show nobody's data.
var open = map[kmsg.Key]bool{
	kmsg.ApiVersions: true, kmsg.SASLHandshake: true, kmsg.SASLAuthenticate: true,
	kmsg.RenewDelegationToken: true, kmsg.ExpireDelegationToken: true, // the token's owner and renewers decide (KIP-48)
}

// refusal is the error that a client gets, by the kind of resource.
func (r requirement) refusal() *kerr.Error {
	switch r.resource {
	case security.TopicResource:
		return kerr.TopicAuthorizationFailed
	case security.GroupResource:
		return kerr.GroupAuthorizationFailed
	case security.TransactionalIDResource:
		return kerr.TransactionalIDAuthorizationFailed
	case security.TokenResource, security.UserResource:
		return kerr.DelegationTokenAuthorizationFailed
	default:
		return kerr.ClusterAuthorizationFailed
	}
}

// Requirement is a row of the matrix of APIs and ACLs, for people.
type Requirement struct {
	Key       int16
	API       string // kmsg's name
	Operation string
	Resource  string
}

// Requirements lists what the APIs ask of the authorizer, those that are not served yet included.
func Requirements() []Requirement {
	out := make([]Requirement, needCount)
	for i, r := range needs {
		out[i] = Requirement{r.api.Int16(), r.api.Name(), r.operation.String(), r.resource.String()}
	}
	return out
}
