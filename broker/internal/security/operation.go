package security

import "strconv"

// Operation is what somebody wants to do, with Kafka's numbers.
type Operation int8

const (
	All             Operation = 2 // in ACLs: every operation
	Read            Operation = 3
	Write           Operation = 4
	Create          Operation = 5
	Delete          Operation = 6
	Alter           Operation = 7
	Describe        Operation = 8
	ClusterAction   Operation = 9
	DescribeConfigs Operation = 10
	AlterConfigs    Operation = 11
	IdempotentWrite Operation = 12
	CreateTokens    Operation = 13
	DescribeTokens  Operation = 14
	TwoPhaseCommit  Operation = 15
)

var operationNames = map[Operation]string{
	All: "ALL", Read: "READ", Write: "WRITE", Create: "CREATE", Delete: "DELETE", Alter: "ALTER", Describe: "DESCRIBE", ClusterAction: "CLUSTER_ACTION",
	DescribeConfigs: "DESCRIBE_CONFIGS", AlterConfigs: "ALTER_CONFIGS", IdempotentWrite: "IDEMPOTENT_WRITE", CreateTokens: "CREATE_TOKENS",
	DescribeTokens: "DESCRIBE_TOKENS", TwoPhaseCommit: "TWO_PHASE_COMMIT",
}

func (o Operation) String() string {
	if name, ok := operationNames[o]; ok {
		return name
	}
	return strconv.Itoa(int(o))
}

// ResourceType is a kind of thing that ACLs are about, with Kafka's numbers.
type ResourceType int8

const (
	TopicResource           ResourceType = 2
	GroupResource           ResourceType = 3
	ClusterResource         ResourceType = 4
	TransactionalIDResource ResourceType = 5
	TokenResource           ResourceType = 6
	UserResource            ResourceType = 7
)

// ClusterName is the one name of a ClusterResource.
const ClusterName = "kafka-cluster"

var resourceNames = map[ResourceType]string{
	TopicResource: "TOPIC", GroupResource: "GROUP", ClusterResource: "CLUSTER", TransactionalIDResource: "TRANSACTIONAL_ID",
	TokenResource: "DELEGATION_TOKEN", UserResource: "USER",
}

func (t ResourceType) String() string {
	if name, ok := resourceNames[t]; ok {
		return name
	}
	return strconv.Itoa(int(t))
}

// Operations lists what a kind of resource knows, as Kafka's AclEntry: the bits of KIP-430 are made of them.
func (t ResourceType) Operations() []Operation {
	switch t {
	case TopicResource:
		return []Operation{Read, Write, Create, Delete, Alter, Describe, DescribeConfigs, AlterConfigs}
	case GroupResource:
		return []Operation{Read, Delete, Describe, DescribeConfigs, AlterConfigs}
	case ClusterResource:
		return []Operation{Create, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite}
	case TransactionalIDResource:
		return []Operation{Write, Describe, TwoPhaseCommit}
	case TokenResource:
		return []Operation{Describe}
	case UserResource:
		return []Operation{CreateTokens, DescribeTokens}
	}
	return nil
}

// implies tells whether an ACL that allows o also allows asked.
func (o Operation) implies(asked Operation) bool {
	switch {
	case o == asked || o == All:
		return true
	case asked == Describe:
		return o == Read || o == Write || o == Delete || o == Alter
	case asked == DescribeConfigs:
		return o == AlterConfigs
	}
	return false
}
