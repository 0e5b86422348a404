package house

import "slices"

// module is the path every package of ours starts with.
const module = "github.com/mainstem-io/mainstem"

// room is a row of the plan: a package and the packages of ours that it may import.
// Leaves (internal/errcode, configkey, metric, invariant, xsync) may be imported by everybody and are not named.
type room struct {
	path  string
	floor int      // arrows point to lower floors only
	may   []string // nil: nothing of ours but leaves
	pure  bool     // no goroutine, channel, clock, disk, socket or global random source
	owns  string
}

// all stands for "every package on a lower floor of the same wing".
var all = []string{"*"}

// The broker wing, bottom up (architecture 4.1, 4.2).
var broker = []room{
	{path: "broker/internal/vfs", floor: 1, owns: "every file operation, and a disk that forgets"},
	{path: "broker/internal/record", floor: 1, owns: "record batches as bytes"},
	{path: "broker/internal/wire", floor: 1, owns: "frames, headers, the version table, the guard before kmsg"},
	{path: "broker/internal/metadata", floor: 1, pure: true, owns: "metadata records, images, deltas"},
	{path: "broker/internal/quorum", floor: 1, pure: true, owns: "etcd raft behind Step and Tick"},
	{path: "broker/internal/config", floor: 1, pure: true, owns: "the tables of configuration keys and their typed values"},
	{path: "broker/internal/commitlog/journal", floor: 2, may: []string{"vfs"}, owns: "the one shared journal of a data directory"},
	{path: "broker/internal/commitlog/journal/ring", floor: 3, may: []string{"vfs", "commitlog/journal"}, owns: "the recycled, zero-filled engine"},
	{path: "broker/internal/commitlog/journal/tidwall", floor: 3, may: []string{"vfs", "commitlog/journal"}, owns: "tidwall/wal in its safety wrapper"},
	{path: "broker/internal/commitlog/journal/engine", floor: 4, may: []string{"vfs", "commitlog/journal", "commitlog/journal/ring", "commitlog/journal/tidwall"}, owns: "the choice of an engine by name"},
	{path: "broker/internal/commitlog", floor: 5, may: []string{"vfs", "record", "commitlog/journal", "commitlog/journal/engine"}, owns: "partitions on disk"},
	{path: "broker/internal/network", floor: 5, may: []string{"wire"}, owns: "sockets, frames in and out"},
	{path: "broker/internal/controller/cluster", floor: 6, may: []string{"metadata"}, pure: true, owns: "the cluster's decisions"},
	{path: "broker/internal/controller", floor: 7, may: []string{"quorum", "metadata", "commitlog", "record", "network", "wire", "vfs", "controller/cluster"}, owns: "the quorum's loop and the published image"},
	{path: "broker/internal/replica/partition", floor: 6, may: []string{"metadata"}, pure: true, owns: "the decisions of one replica"},
	{path: "broker/internal/replica", floor: 7, may: []string{"commitlog", "record", "metadata", "network", "wire", "config", "replica/partition"}, owns: "partitions as leader or follower, delayed work"},
	{path: "broker/internal/coordinator", floor: 6, pure: true, owns: "the shape of a coordinator's core"},
	{path: "broker/internal/coordinator/group", floor: 7, may: []string{"metadata", "coordinator"}, pure: true, owns: "groups and committed offsets"},
	{path: "broker/internal/coordinator/txn", floor: 7, may: []string{"coordinator"}, pure: true, owns: "transactional ids and the outcome of their transactions"},
	{path: "broker/internal/coordinator/runtime", floor: 8, may: []string{"replica", "record", "commitlog", "config", "coordinator"}, owns: "one machine per partition of an internal topic: load, append, reply, timers"},
	{path: "broker/internal/coordinator/marker", floor: 9, may: []string{"replica", "record", "commitlog", "coordinator/txn"}, owns: "the markers that end transactions, until each is durable"},
	{path: "broker/internal/security", floor: 2, may: []string{"metadata"}, owns: "who a client is and what it may do"},
	{path: "broker/internal/api", floor: 9, may: all, owns: "one file per Kafka API"},
	{path: "broker", floor: 10, may: all, owns: "the face: Config, New, Run"},
	{path: "broker/brokertest", floor: 11, may: all, owns: "a real broker in memory, for tests"},
}

// Leaves import the standard library only.
var leaves = []string{"internal/errcode", "internal/configkey", "internal/metric", "internal/invariant", "internal/xsync"}

// The registry wing (registry.md 3).
var registry = []room{
	{path: "schemaregistry/internal/avrox", floor: 1, pure: true, owns: "Avro: schemas, their texts, compatibility, binary data"},
	{path: "schemaregistry/internal/compat", floor: 2, may: []string{"avrox"}, pure: true, owns: "formats: admission, text, what does not fit"},
	{path: "schemaregistry/internal/access", floor: 1, pure: true, owns: "who a client of the registry is and what it may do"},
	{path: "schemaregistry/internal/frame", floor: 1, pure: true, owns: "how a key or a value names its schema"},
	{path: "schemaregistry/internal/walk", floor: 2, may: []string{"avrox"}, pure: true, owns: "whether bytes are data of a schema, fast enough for every record"},
	{path: "schemaregistry/internal/rule", floor: 2, may: []string{"avrox"}, pure: true, owns: "what a schema demands beyond structure: CEL and Protovalidate"},
	{path: "schemaregistry/internal/store", floor: 2, pure: true, owns: "what the records of _schemas say, and what would change it"},
	{path: "schemaregistry/serde", floor: 3, may: []string{"avrox", "compat", "frame", "store", "walk"}, owns: "typed values as bytes that name their schema, over any registry"},
	{path: "schemaregistry/internal/rest", floor: 3, may: []string{"access", "store", "compat"}, owns: "routes, media types, bodies, errors"},
	{path: "schemaregistry", floor: 4, may: all, owns: "the face: the log, the writer, the listener"},
}

// The streams wing (streams.md 3).
var streamsWing = []room{
	{path: "streams/state", floor: 1, pure: true, owns: "serdes: values as bytes and back"},
	{path: "streams/processor", floor: 1, pure: true, owns: "what a user's function sees: records, windows, a processor's context"},
	{path: "streams/internal/topology", floor: 1, pure: true, owns: "the graph: nodes, stores, topics, sub-topologies"},
	{path: "streams/internal/store", floor: 1, pure: true, owns: "rows of one task that commit together, and the shapes of stores"},
	{path: "streams/internal/task", floor: 2, may: []string{"streams/processor", "store"}, pure: true, owns: "one task: queues, times, punctuations, effects"},
	{path: "streams/internal/operator", floor: 3, may: []string{"streams/processor", "streams/state", "store", "task"}, pure: true, owns: "typed nodes at work"},
	{path: "streams/internal/blueprint", floor: 3, may: []string{"task", "topology"}, pure: true, owns: "a finished topology for those who run it"},
	{path: "streams/internal/store/disk", floor: 2, may: []string{"store"}, owns: "stores on disk: Pebble"},
	{path: "streams/internal/assign", floor: 1, pure: true, owns: "which member runs which task"},
	{path: "streams/internal/worker", floor: 4, may: []string{"streams/processor", "assign", "blueprint", "store", "store/disk", "task", "topology"}, owns: "tasks on a Kafka: poll, process, produce, commit, restore"},
	{path: "streams", floor: 5, may: all, owns: "the face: Builder, Stream, Table, App"},
	{path: "streams/streamstest", floor: 6, may: all, owns: "a topology without Kafka, for tests"},
}

// plan is every row.
var plan = slices.Concat(broker, registry, streamsWing)

// planned are the wings whose packages all need a row.
var planned = []string{"broker", "schemaregistry", "streams"}

// Support packages are imported by tests and by each other only.
var support = []string{"internal/sim", "internal/kafkatest", "internal/house", "internal/e2e", "internal/conformance", "broker/brokertest"}

// edge wings never import the broker (law 2).
var edge = []string{"streams", "connect", "schemaregistry", "connectors", "console"}

// forbidden names say nothing about what a package owns.
var forbidden = []string{"util", "utils", "common", "helpers", "types", "misc", "manager", "impl"}

// rootFiles is everything that may lie in the root.
var rootFiles = []string{
	"README.md", "ARCHITECTURE.md", "STYLE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile",
	"go.mod", "go.sum", ".golangci.yml", ".gitignore",
}

// rootDirs is every folder of the root.
var rootDirs = []string{
	"cmd", "broker", "streams", "connect", "schemaregistry", "connectors", "console", "examples", "internal", "docs",
	"deploy", "tools", ".ci", ".git", "bin",
}
