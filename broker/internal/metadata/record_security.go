package metadata

// AccessControlEntryRecord adds an ACL binding. Numbers are Kafka's (AclOperation.code and the like).
type AccessControlEntryRecord struct {
	ID             UUID
	ResourceType   int8
	ResourceName   string
	PatternType    int8
	Principal      string
	Host           string
	Operation      int8
	PermissionType int8
}

// RemoveAccessControlEntryRecord removes a binding.
type RemoveAccessControlEntryRecord struct {
	ID UUID
}

// UserScramCredentialRecord sets a SCRAM credential. Mechanism: 1 SHA-256, 2 SHA-512.
type UserScramCredentialRecord struct {
	Name       string
	Mechanism  int8
	Salt       []byte
	StoredKey  []byte
	ServerKey  []byte
	Iterations int32
}

// RemoveUserScramCredentialRecord removes one.
type RemoveUserScramCredentialRecord struct {
	Name      string
	Mechanism int8
}

// ClientQuotaRecord sets or removes one value of a quota entity.
type ClientQuotaRecord struct {
	Entity []QuotaEntity
	Key    string
	Value  float64
	Remove bool
}

// QuotaEntity is one part of a quota's entity: user, client-id or ip. A nil name is that type's default.
type QuotaEntity struct {
	Type string
	Name *string
}

// DelegationTokenRecord sets a delegation token. Times are Unix milliseconds.
type DelegationTokenRecord struct {
	Owner               string
	Requester           string
	Renewers            []string
	IssueTimestamp      int64
	MaxTimestamp        int64
	ExpirationTimestamp int64
	TokenID             string
}

// RemoveDelegationTokenRecord removes one.
type RemoveDelegationTokenRecord struct {
	TokenID string
}

// BeginTransactionRecord, EndTransactionRecord and AbortTransactionRecord bracket metadata transactions in Kafka. Ours need
// none, because a whole entry is atomic: they are read and mean nothing.
type (
	BeginTransactionRecord struct{ Name *string }
	EndTransactionRecord   struct{}
	AbortTransactionRecord struct{ Reason *string }
)

// NoOpRecord changes nothing.
type NoOpRecord struct{}

func (*DelegationTokenRecord) kind() kind           { return kind{10, 0} }
func (*UserScramCredentialRecord) kind() kind       { return kind{11, 0} }
func (*ClientQuotaRecord) kind() kind               { return kind{14, 0} }
func (*AccessControlEntryRecord) kind() kind        { return kind{18, 0} }
func (*RemoveAccessControlEntryRecord) kind() kind  { return kind{19, 0} }
func (*NoOpRecord) kind() kind                      { return kind{20, 0} }
func (*RemoveUserScramCredentialRecord) kind() kind { return kind{22, 0} }
func (*BeginTransactionRecord) kind() kind          { return kind{23, 0} }
func (*EndTransactionRecord) kind() kind            { return kind{24, 0} }
func (*AbortTransactionRecord) kind() kind          { return kind{25, 0} }
func (*RemoveDelegationTokenRecord) kind() kind     { return kind{26, 0} }

func (r *AccessControlEntryRecord) walk(c *codec) {
	c.uuid(&r.ID)
	c.int8(&r.ResourceType)
	c.string(&r.ResourceName)
	c.int8(&r.PatternType)
	c.string(&r.Principal)
	c.string(&r.Host)
	c.int8(&r.Operation)
	c.int8(&r.PermissionType)
	c.tags()
}

func (r *RemoveAccessControlEntryRecord) walk(c *codec) {
	c.uuid(&r.ID)
	c.tags()
}

func (r *UserScramCredentialRecord) walk(c *codec) {
	c.string(&r.Name)
	c.int8(&r.Mechanism)
	c.bytes(&r.Salt)
	c.bytes(&r.StoredKey)
	c.bytes(&r.ServerKey)
	c.int32(&r.Iterations)
	c.tags()
}

func (r *RemoveUserScramCredentialRecord) walk(c *codec) {
	c.string(&r.Name)
	c.int8(&r.Mechanism)
	c.tags()
}

func (r *ClientQuotaRecord) walk(c *codec) {
	list(c, &r.Entity, 3, false, func(e *QuotaEntity) {
		c.string(&e.Type)
		c.nullableString(&e.Name)
		c.tags()
	})
	c.string(&r.Key)
	c.float64(&r.Value)
	c.bool(&r.Remove)
	c.tags()
}

func (r *DelegationTokenRecord) walk(c *codec) {
	c.string(&r.Owner)
	c.string(&r.Requester)
	list(c, &r.Renewers, 1, false, c.string)
	c.int64(&r.IssueTimestamp)
	c.int64(&r.MaxTimestamp)
	c.int64(&r.ExpirationTimestamp)
	c.string(&r.TokenID)
	c.tags()
}

func (r *RemoveDelegationTokenRecord) walk(c *codec) {
	c.string(&r.TokenID)
	c.tags()
}

func (r *BeginTransactionRecord) walk(c *codec) {
	c.tags(tag{0, r.Name != nil, func() { c.nullableString(&r.Name) }})
}

func (r *AbortTransactionRecord) walk(c *codec) {
	c.tags(tag{0, r.Reason != nil, func() { c.nullableString(&r.Reason) }})
}

func (r *EndTransactionRecord) walk(c *codec) { c.tags() }
func (r *NoOpRecord) walk(c *codec)           { c.tags() }
