package errcode

// The codes, by family.
var (
	NetUnreachable = Code{"NET-001", "cannot reach any broker", []string{"no broker runs there", "the address is wrong", "a firewall is in between"},
		[]string{"start one:  mainstem server --data-dir ./data", "another cluster:  -b host:port or --profile NAME"}, ExitUnreachable}
	NetAdvertised = Code{"NET-002", "the advertised address of a broker cannot be reached from here", []string{"advertised.listeners names an address that only the broker's own network knows"},
		[]string{"set advertised.listeners to an address that clients can reach, then restart the broker"}, ExitUnreachable}
	NetTLS = Code{"NET-003", "the TLS handshake failed", []string{"the listener speaks plain text", "the certificate is not trusted or names another host"},
		[]string{"check the listener's protocol:  mainstem config explain listeners"}, ExitUnreachable}
	NetTimeout = Code{"NET-004", "timed out", []string{"the broker is overloaded or cannot reach its quorum", "the request is larger than the time allows"},
		[]string{"wait longer:  --timeout 60s", "see how the cluster is:  mainstem cluster status"}, ExitUnreachable}
	NetPortInUse = Code{"NET-005", "the port is in use", []string{"another broker, or another program, listens there"},
		[]string{"choose another port:  --listen 127.0.0.1:19092", "stop the other process"}, ExitUsage}

	AuthFailed = Code{"AUTH-001", "authentication failed", []string{"wrong user or password", "the user does not exist"},
		[]string{"check -X sasl.username and -X sasl.password"}, ExitNotAllowed}
	AuthDenied = Code{"AUTH-002", "not authorized", []string{"no ACL allows the operation on the resource"},
		[]string{"ask an administrator for the named operation on the named resource"}, ExitNotAllowed}
	AuthMechanism = Code{"AUTH-003", "the SASL mechanism is not enabled", []string{"the listener offers other mechanisms"},
		[]string{"set -X sasl.mechanism to one that sasl.enabled.mechanisms lists"}, ExitNotAllowed}

	ConfigUnknown = Code{"CFG-001", "unknown configuration key", []string{"a typing error", "a key that Apache Kafka 4 removed"},
		[]string{"list all keys:  mainstem config explain"}, ExitUsage}
	ConfigValue = Code{"CFG-002", "bad configuration value", []string{"out of range, or of another type"},
		[]string{"see type and range:  mainstem config explain KEY"}, ExitUsage}
	ConfigRefused = Code{"CFG-003", "refused configuration key", []string{"it asks for something that cannot be done here; ignoring it silently would be worse"},
		[]string{"see the reason:  mainstem config explain KEY", "remove the key"}, ExitUsage}
	ConfigConflict = Code{"CFG-004", "configuration keys that do not go together", []string{"one bounds the other"},
		[]string{"see both:  mainstem config explain KEY"}, ExitUsage}
	ConfigFile = Code{"CFG-005", "a configuration file cannot be read", []string{"it does not exist", "it is neither YAML nor key=value lines"},
		[]string{"check the path and the first lines of the file"}, ExitUsage}

	TopicUnknown = Code{"TOPIC-001", "unknown topic or partition", []string{"it was never created", "it was deleted"},
		[]string{"list topics:  mainstem topic list", "create it:  mainstem topic create NAME"}, ExitNotFound}
	TopicExists = Code{"TOPIC-002", "the topic exists", []string{"somebody created it before"},
		[]string{"look at it:  mainstem topic describe NAME"}, ExitConflict}
	TopicName = Code{"TOPIC-003", "invalid topic name", []string{"longer than 249 characters, or with others than letters, digits, '.', '_' and '-'"},
		[]string{"choose another name"}, ExitUsage}
	TopicReplicas = Code{"TOPIC-004", "not enough replicas", []string{"fewer brokers than the replication factor", "fewer replicas in sync than min.insync.replicas"},
		[]string{"see who is in sync:  mainstem topic describe NAME", "see the brokers:  mainstem cluster status"}, ExitFailed}
	TopicRecordSize = Code{"TOPIC-005", "a record is too large", []string{"larger than max.message.bytes of the topic"},
		[]string{"raise it:  mainstem topic alter NAME --set max.message.bytes=BYTES", "send smaller records, or compress them"}, ExitFailed}

	GroupUnknown = Code{"GROUP-001", "unknown group", []string{"nobody ever joined it", "its offsets have expired"},
		[]string{"check the name of the group in its members' configuration"}, ExitNotFound}
	GroupNotEmpty = Code{"GROUP-002", "the group is not empty", []string{"members are running"},
		[]string{"stop its members first"}, ExitConflict}
	GroupFenced = Code{"GROUP-003", "the member was fenced", []string{"another member with its instance id took its place"},
		[]string{"give every instance a group.instance.id of its own"}, ExitConflict}

	TxnFenced = Code{"TXN-001", "the producer was fenced", []string{"a newer producer uses its transactional id"},
		[]string{"give every producer a transactional.id of its own"}, ExitConflict}
	TxnHanging = Code{"TXN-002", "a transaction hangs", []string{"its producer died and its coordinator does not know it"},
		[]string{"find where it began:  mainstem txn producers TOPIC --open", "abort it:  mainstem txn abort --topic TOPIC --partition N --start-offset OFFSET"}, ExitProblems}
	TxnUnknown = Code{"TXN-003", "unknown transaction", []string{"no producer ever used the transactional id, or it has expired"},
		[]string{"see which there are:  mainstem txn list"}, ExitNotFound}

	DiskFull = Code{"DISK-001", "no space is left", []string{"the file system of the data directory is full"},
		[]string{"free space, then restart the broker: nothing that was acknowledged is lost", "shorten retention:  mainstem topic alter NAME --set retention.ms=MS"}, ExitFailed}
	DiskOffline = Code{"DISK-002", "a log directory is offline", []string{"a write or fsync failed: nothing more is acknowledged from it"},
		[]string{"look at the broker's log for the first error, repair the device, restart the broker"}, ExitFailed}
	DiskNewer = Code{"DISK-003", "the data directory was written by a newer version", []string{"an older binary was started on it"},
		[]string{"start the newer version again"}, ExitUsage}
	DiskLocked = Code{"DISK-004", "the data directory is in use by another process", []string{"a second broker was started on it"},
		[]string{"stop the other process, or choose another directory:  --data-dir DIR"}, ExitConflict}
	DiskCorrupt = Code{"DISK-005", "data below the durable end is corrupt", []string{"a device lost or changed bytes that were synced"},
		[]string{"restore the partition from another replica or a backup", "give up what lies behind the damage:  --set journal.damage.accept=true, for one start"}, ExitFailed}

	ClusterNoQuorum = Code{"CLU-001", "no quorum", []string{"a majority of the controllers cannot be reached"},
		[]string{"start the missing controllers", "mainstem cluster status"}, ExitUnreachable}
	ClusterNodeID = Code{"CLU-002", "the node id is registered already", []string{"another broker runs with it"},
		[]string{"give every node a node.id of its own"}, ExitConflict}
	ClusterSkew = Code{"CLU-003", "versions differ", []string{"an upgrade is half done"},
		[]string{"finish the upgrade:  mainstem version on every node"}, ExitProblems}

	SchemaRefused = Code{"SCH-001", "the schema registry refused the request", []string{"the schema is invalid, or does not fit to the subject", "the subject, the version or the id does not exist"},
		[]string{"see what does not fit:  mainstem schema check FILE --subject S", "see what is there:  mainstem schema list --deleted"}, ExitFailed}
	SchemaUnreachable = Code{"SCH-002", "cannot reach the schema registry", []string{"no registry runs there", "the address is wrong"},
		[]string{"name it:  --registry http://HOST:8081", "start one:  mainstem server --roles broker,registry"}, ExitUnreachable}

	Usage = Code{"USE-001", "the command cannot be run as written", []string{"a flag or an argument is missing or wrong"},
		[]string{"mainstem help COMMAND"}, ExitUsage}
	Failed = Code{"USE-002", "the command failed", []string{"the broker refused the request"},
		[]string{"read the broker's answer above", "see the broker's log"}, ExitFailed}
)

var all = []Code{
	NetUnreachable, NetAdvertised, NetTLS, NetTimeout, NetPortInUse, AuthFailed, AuthDenied, AuthMechanism,
	ConfigUnknown, ConfigValue, ConfigRefused, ConfigConflict, ConfigFile,
	TopicUnknown, TopicExists, TopicName, TopicReplicas, TopicRecordSize, GroupUnknown, GroupNotEmpty, GroupFenced,
	TxnFenced, TxnHanging, TxnUnknown, DiskFull, DiskOffline, DiskNewer, DiskLocked, DiskCorrupt,
	ClusterNoQuorum, ClusterNodeID, ClusterSkew, SchemaRefused, SchemaUnreachable, Usage, Failed,
}
