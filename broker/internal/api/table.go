package api

import "github.com/twmb/franz-go/pkg/kmsg"

// handlers are the APIs served; a key that is not here closes the connection, and ApiVersions does not list it.
// Versions are wire's. It is filled in init because ApiVersions reads it.
var handlers map[int16]handler

func init() {
	handlers = map[int16]handler{
		kmsg.Produce.Int16():                      typed((*Server).produce),
		kmsg.Fetch.Int16():                        typed((*Server).fetch),
		kmsg.ListOffsets.Int16():                  typed((*Server).listOffsets),
		kmsg.Metadata.Int16():                     typed((*Server).metadata),
		kmsg.OffsetCommit.Int16():                 typed((*Server).offsetCommit),
		kmsg.OffsetFetch.Int16():                  typed((*Server).offsetFetch),
		kmsg.FindCoordinator.Int16():              typed((*Server).findCoordinator),
		kmsg.JoinGroup.Int16():                    typed((*Server).joinGroup),
		kmsg.Heartbeat.Int16():                    typed((*Server).heartbeat),
		kmsg.LeaveGroup.Int16():                   typed((*Server).leaveGroup),
		kmsg.SyncGroup.Int16():                    typed((*Server).syncGroup),
		kmsg.DescribeGroups.Int16():               typed((*Server).describeGroups),
		kmsg.ListGroups.Int16():                   typed((*Server).listGroups),
		kmsg.ApiVersions.Int16():                  typed((*Server).apiVersions),
		kmsg.CreateTopics.Int16():                 typed((*Server).createTopics),
		kmsg.DeleteTopics.Int16():                 typed((*Server).deleteTopics),
		kmsg.DeleteRecords.Int16():                typed((*Server).deleteRecords),
		kmsg.InitProducerID.Int16():               typed((*Server).initProducerID),
		kmsg.AddPartitionsToTxn.Int16():           typed((*Server).addPartitionsToTxn),
		kmsg.AddOffsetsToTxn.Int16():              typed((*Server).addOffsetsToTxn),
		kmsg.EndTxn.Int16():                       typed((*Server).endTxn),
		kmsg.WriteTxnMarkers.Int16():              typed((*Server).writeTxnMarkers),
		kmsg.TxnOffsetCommit.Int16():              typed((*Server).txnOffsetCommit),
		kmsg.DescribeTransactions.Int16():         typed((*Server).describeTransactions),
		kmsg.ListTransactions.Int16():             typed((*Server).listTransactions),
		kmsg.OffsetForLeaderEpoch.Int16():         typed((*Server).offsetForLeaderEpoch),
		kmsg.DescribeConfigs.Int16():              typed((*Server).describeConfigs),
		kmsg.AlterConfigs.Int16():                 typed((*Server).alterConfigs),
		kmsg.DescribeLogDirs.Int16():              typed((*Server).describeLogDirs),
		kmsg.CreatePartitions.Int16():             typed((*Server).createPartitions),
		kmsg.DeleteGroups.Int16():                 typed((*Server).deleteGroups),
		kmsg.IncrementalAlterConfigs.Int16():      typed((*Server).incrementalAlterConfigs),
		kmsg.OffsetDelete.Int16():                 typed((*Server).offsetDelete),
		kmsg.DescribeQuorum.Int16():               typed((*Server).describeQuorum),
		kmsg.UpdateFeatures.Int16():               typed((*Server).updateFeatures),
		kmsg.DescribeCluster.Int16():              typed((*Server).describeCluster),
		kmsg.DescribeProducers.Int16():            typed((*Server).describeProducers),
		kmsg.ConsumerGroupHeartbeat.Int16():       typed((*Server).consumerGroupHeartbeat),
		kmsg.ConsumerGroupDescribe.Int16():        typed((*Server).consumerGroupDescribe),
		kmsg.ListConfigResources.Int16():          typed((*Server).listConfigResources),
		kmsg.DescribeTopicPartitions.Int16():      typed((*Server).describeTopicPartitions),
		kmsg.SASLHandshake.Int16():                typed((*Server).saslHandshake),
		kmsg.SASLAuthenticate.Int16():             typed((*Server).saslAuthenticate),
		kmsg.DescribeACLs.Int16():                 typed((*Server).describeACLs),
		kmsg.CreateACLs.Int16():                   typed((*Server).createACLs),
		kmsg.DeleteACLs.Int16():                   typed((*Server).deleteACLs),
		kmsg.AlterReplicaLogDirs.Int16():          typed((*Server).alterReplicaLogDirs),
		kmsg.CreateDelegationToken.Int16():        typed((*Server).createDelegationToken),
		kmsg.RenewDelegationToken.Int16():         typed((*Server).renewDelegationToken),
		kmsg.ExpireDelegationToken.Int16():        typed((*Server).expireDelegationToken),
		kmsg.DescribeDelegationToken.Int16():      typed((*Server).describeDelegationToken),
		kmsg.ElectLeaders.Int16():                 typed((*Server).electLeaders),
		kmsg.AlterPartitionAssignments.Int16():    typed((*Server).alterPartitionReassignments),
		kmsg.ListPartitionReassignments.Int16():   typed((*Server).listPartitionReassignments),
		kmsg.DescribeClientQuotas.Int16():         typed((*Server).describeClientQuotas),
		kmsg.AlterClientQuotas.Int16():            typed((*Server).alterClientQuotas),
		kmsg.DescribeUserSCRAMCredentials.Int16(): typed((*Server).describeUserScramCredentials),
		kmsg.AlterUserSCRAMCredentials.Int16():    typed((*Server).alterUserScramCredentials),
		kmsg.UnregisterBroker.Int16():             typed((*Server).unregisterBroker),
	}
}

// Serves tells whether requests of an API are answered.
func Serves(key int16) bool { _, ok := handlers[key]; return ok }
