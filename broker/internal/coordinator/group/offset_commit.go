package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
)

// commit is OffsetCommit and TxnOffsetCommit: all offsets or, by an error of the group, none.
func (d *decision) commit(ev OffsetCommit) Committed {
	codes := make(Committed, len(ev.Offsets))
	if code := d.mayCommit(ev); code != 0 {
		for i := range codes {
			codes[i] = code
		}
		return codes
	}
	expires := int64(-1)
	if ev.Retention >= 0 {
		expires = d.millis() + ev.Retention
	}
	for i, o := range ev.Offsets {
		if len(o.Metadata) > d.cfg.MaxMetadataBytes {
			codes[i] = kerr.OffsetMetadataTooLarge.Code
			continue
		}
		d.write(Key{Kind: KindOffset, Group: ev.Group, Name: o.Topic, Partition: o.Partition}, &OffsetValue{
			Offset: o.Offset, LeaderEpoch: o.LeaderEpoch, Metadata: o.Metadata, CommittedAt: d.millis(), ExpiresAt: expires, TopicID: o.TopicID,
		})
	}
	if d.tooLarge() {
		d.out.Records, d.size = nil, 0
		for i := range codes {
			codes[i] = kerr.InvalidCommitOffsetSize.Code
		}
	}
	d.out.Producer = ev.Producer
	return codes
}

// mayCommit answers why the group does not take a commit, or 0.
func (d *decision) mayCommit(ev OffsetCommit) int16 {
	if g := d.consumer[ev.Group]; g != nil {
		return d.mayCommitConsumer(g, ev)
	}
	g := d.classic[ev.Group]
	switch {
	case g != nil:
		return d.mayCommitClassic(g, ev)
	case ev.Generation < 0:
		return 0 // a simple consumer makes its group with its first commit
	case ev.Version >= 9 && ev.Producer == nil:
		return kerr.GroupIDNotFound.Code
	default:
		return kerr.IllegalGeneration.Code
	}
}

// mayCommitClassic checks member and generation exactly (GRP-6); who is no member commits while there are none (GRP-7).
// A transactional producer may come without either: it is fenced by its epoch.
func (d *decision) mayCommitClassic(g *classicGroup, ev OffsetCommit) int16 {
	switch {
	case ev.Generation < 0 && g.state == stateEmpty:
		return 0
	case ev.Generation >= 0 || ev.Member != "" || ev.Instance != nil:
		if code := g.check(ev.Member, ev.Instance); code != 0 {
			return code
		}
		if ev.Generation != g.generation {
			return kerr.IllegalGeneration.Code
		}
	case ev.Producer == nil:
		return kerr.UnknownMemberID.Code
	}
	if ev.Producer == nil {
		if g.state == stateCompleting {
			return kerr.RebalanceInProgress.Code
		}
		if m := g.members[ev.Member]; m != nil && m.join == nil && m.sync == nil {
			d.touch(g, m)
		}
	}
	return 0
}
