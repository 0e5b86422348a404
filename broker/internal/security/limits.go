package security

import "github.com/mainstem-io/mainstem/broker/internal/metadata"

// QuotaKind is what a quota limits.
type QuotaKind uint8

const (
	ProduceQuota    QuotaKind = iota // producer_byte_rate
	FetchQuota                       // consumer_byte_rate
	RequestQuota                     // request_percentage
	MutationQuota                    // controller_mutation_rate
	ConnectionQuota                  // connection_creation_rate, of an address
	quotaKinds
)

// quotaKeys are the names of kinds in the metadata.
var quotaKeys = [quotaKinds]string{"producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate", "connection_creation_rate"}

// limits is the quotas of one image by kind and entity. It never changes.
type limits [quotaKinds]map[entity]float64

// entity is what a quota is set on: a user, a client id, both, or an address; each of them by name or as the default.
type entity struct{ user, client, ip part }

// part is one element of an entity; the zero part is absent.
type part struct {
	kind partKind
	name string
}

type partKind uint8

const (
	absent partKind = iota
	byDefault
	byName
)

func named(name string) part { return part{byName, name} }

// limitsOf arranges the quotas of an image; nil when there are none, so that asking costs nothing.
func limitsOf(image *metadata.Image) *limits {
	all := image.ClientQuotas()
	if len(all) == 0 {
		return nil
	}
	l := &limits{}
	for _, q := range all {
		var e entity
		for _, p := range q.Entity {
			value := part{kind: byDefault}
			if p.Name != nil {
				value = named(*p.Name)
			}
			switch p.Type {
			case "user":
				e.user = value
			case "client-id":
				e.client = value
			case "ip":
				e.ip = value
			}
		}
		for kind, key := range quotaKeys {
			if limit, set := q.Values[key]; set {
				if l[kind] == nil {
					l[kind] = map[entity]float64{}
				}
				l[kind][e] = limit
			}
		}
	}
	return l
}

// of finds the limit of a user and client, and whose usage counts against it: the most exact quota wins (KIP-55). A quota
// of users counts each user on its own, one of clients each client id, one of both each pair.
func (l *limits) of(kind QuotaKind, user, client string) (limit float64, who entity, ok bool) {
	set := l[kind]
	if len(set) == 0 {
		return 0, entity{}, false
	}
	any := part{kind: byDefault}
	u, c := named(user), named(client)
	for _, try := range [...]struct{ quota, usage entity }{
		{entity{user: u, client: c}, entity{user: u, client: c}},
		{entity{user: u, client: any}, entity{user: u, client: c}},
		{entity{user: u}, entity{user: u}},
		{entity{user: any, client: c}, entity{user: u, client: c}},
		{entity{user: any, client: any}, entity{user: u, client: c}},
		{entity{user: any}, entity{user: u}},
		{entity{client: c}, entity{client: c}},
		{entity{client: any}, entity{client: c}},
	} {
		if limit, ok := set[try.quota]; ok {
			return limit, try.usage, true
		}
	}
	return 0, entity{}, false
}

// ofAddress finds the limit of an address.
func (l *limits) ofAddress(ip string) (float64, entity, bool) {
	who := entity{ip: named(ip)}
	for _, try := range []entity{who, {ip: part{kind: byDefault}}} {
		if limit, ok := l[ConnectionQuota][try]; ok {
			return limit, who, true
		}
	}
	return 0, entity{}, false
}
