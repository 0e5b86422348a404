package wire

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// coordinatorRecord is a record that kmsg knows too. Its bytes start with the version.
type coordinatorRecord interface {
	AppendTo([]byte) []byte
	ReadFrom([]byte) error
}

func TestCoordinatorRecordsThatKmsgEncodesPass(t *testing.T) {
	f := seeded(t, 12)
	for _, c := range []struct {
		kind     RecordKind
		versions []int16
		make     func() coordinatorRecord
	}{
		{RecordOffsetCommitKey, []int16{0, 1}, func() coordinatorRecord { return new(kmsg.OffsetCommitKey) }},
		{RecordOffsetCommitValue, []int16{0, 1, 2, 3}, func() coordinatorRecord { return new(kmsg.OffsetCommitValue) }},
		{RecordGroupMetadataKey, []int16{2}, func() coordinatorRecord { return new(kmsg.GroupMetadataKey) }},
		{RecordGroupMetadataValue, []int16{0, 1, 2, 3}, func() coordinatorRecord { return new(kmsg.GroupMetadataValue) }},
		{RecordTransactionLogKey, []int16{0}, func() coordinatorRecord { return new(kmsg.TxnMetadataKey) }},
		{RecordTransactionLogValue, []int16{0, 1}, func() coordinatorRecord { return new(kmsg.TxnMetadataValue) }},
		{RecordConsumerProtocolSubscription, []int16{0, 1, 2, 3}, func() coordinatorRecord { return new(kmsg.ConsumerMemberMetadata) }},
		{RecordConsumerProtocolAssignment, []int16{0, 1, 2, 3}, func() coordinatorRecord { return new(kmsg.ConsumerMemberAssignment) }},
	} {
		for _, version := range c.versions {
			for range 50 {
				r := c.make()
				f.fill(reflect.ValueOf(r).Elem())
				reflect.ValueOf(r).Elem().FieldByName("Version").SetInt(int64(version))
				b := r.AppendTo(nil)
				if got := int16(binary.BigEndian.Uint16(b)); got != version {
					t.Fatalf("%v starts with version %d", c.kind, got)
				}
				checkRecordVersion := version
				if c.kind == RecordOffsetCommitKey || c.kind == RecordGroupMetadataKey {
					checkRecordVersion = 0 // a key's first number is the kind of record
				}
				if err := CheckRecord(c.kind, checkRecordVersion, b[2:]); err != nil {
					t.Errorf("%v version %d: %v\n%x", c.kind, version, err, b)
				}
				for n := range b[2:] {
					if err := CheckRecord(c.kind, checkRecordVersion, b[2:2+n]); err == nil {
						t.Errorf("%v version %d cut at %d of %d passes\n%x", c.kind, version, n, len(b)-2, b)
						break
					}
				}
			}
		}
	}
}

func TestRecordsOfNewerVersionsAreRefused(t *testing.T) {
	if err := CheckRecord(RecordOffsetCommitValue, 99, bytes.Repeat([]byte{0}, 100)); err == nil {
		t.Error("version 99 passes")
	}
	if got := RecordPartitionRecord.String(); got != "PartitionRecord" {
		t.Errorf("got %s", got)
	}
}

func TestRecordsWithHugeCountsAreRefused(t *testing.T) {
	hostile := append(bytes.Repeat([]byte{0}, 20), 0xff, 0xff, 0xff, 0xff, 0x0f)
	for kind := range recordShapes {
		for version := recordShapes[kind].min; version <= recordShapes[kind].max; version++ {
			for n := range hostile {
				_ = CheckRecord(RecordKind(kind), version, hostile[n:])
			}
		}
	}
}
