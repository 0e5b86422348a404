package group

import "fmt"

// ConsumerProtocol is the protocol type of consumers. Other types, of Connect workers and schema registries, are never
// parsed (GRP-9).
const ConsumerProtocol = "consumer"

// lastSubscription is the newest version known; a newer one is read as this, as Kafka does.
const lastSubscription = 3

// subscription is the metadata that a classic consumer sends with a protocol.
type subscription struct {
	topics     []string
	userData   []byte
	owned      []topicList
	generation int32 // that owned is of; -1 when it does not say
	rack       *string
}

// topicList is partitions of a topic by name, in a consumer's blobs.
type topicList struct {
	topic      string
	partitions []int32
}

func (l *topicList) fields(c *codec) {
	c.string(&l.topic)
	list(c, &l.partitions, 4, c.int32)
}

func (s *subscription) fields(c *codec) {
	if c.reading {
		s.generation = -1
	}
	list(c, &s.topics, 2, c.string)
	c.bytes(&s.userData)
	if c.version >= 1 {
		list(c, &s.owned, 6, func(l *topicList) { l.fields(c) })
	}
	if c.version >= 2 {
		c.int32(&s.generation)
	}
	if c.version >= 3 {
		c.nullableString(&s.rack)
	}
}

// parseSubscription reads a consumer's metadata. What stands behind the known fields is let be.
func parseSubscription(b []byte) (subscription, error) {
	var s subscription
	c := codec{buf: b, reading: true}
	c.int16(&c.version)
	if c.version = min(c.version, lastSubscription); c.version < 0 {
		c.fail(fmt.Errorf("version %d", c.version))
	}
	s.fields(&c)
	if c.err != nil {
		return subscription{}, fmt.Errorf("consumer subscription: %w", c.err)
	}
	return s, nil
}

// encodeAssignment is a consumer's assignment, in the version that its subscription has.
func encodeAssignment(version int16, topics []topicList) []byte {
	c := codec{}
	version = max(0, min(version, lastSubscription))
	c.int16(&version)
	list(&c, &topics, 6, func(l *topicList) { l.fields(&c) })
	var userData []byte
	c.bytes(&userData)
	return c.buf
}

// subscriptionVersion is what stands in front of a consumer's metadata.
func subscriptionVersion(b []byte) int16 {
	var v int16
	c := codec{buf: b, reading: true}
	c.int16(&v)
	return v
}

// parseAssignment reads a consumer's assignment; an empty one is of a member that has none yet.
func parseAssignment(b []byte) ([]topicList, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var out []topicList
	c := codec{buf: b, reading: true}
	c.int16(&c.version)
	if c.version < 0 {
		c.fail(fmt.Errorf("version %d", c.version))
	}
	list(&c, &out, 6, func(l *topicList) { l.fields(&c) })
	if c.err != nil {
		return nil, fmt.Errorf("consumer assignment: %w", c.err)
	}
	return out, nil
}
