package journal

import "fmt"

// DamageError says that the journal has lost something that was durable, or that nobody can tell. The
// broker refuses to start with it: the operator decides.
type DamageError struct {
	Name   string // file or directory
	Offset int64  // in the file
	Gen    Gen
	Want   uint64 // sequence of the group that should have been there; 0 when unknown
	Found  uint64 // sequence of the whole group found instead; 0 when none
	Reason string
}

// Damage answers d, or reports it and answers nil where the operator consented.
func (o *Options) Damage(d *DamageError) error {
	if !o.DamageAccept {
		return d
	}
	o.Logger.Warn("journal damage accepted", "file", d.Name, "offset", d.Offset, "generation", d.Gen,
		"want", d.Want, "found", d.Found, "reason", d.Reason)
	if o.Skipped != nil {
		o.Skipped(d)
	}
	return nil
}

func (d *DamageError) Error() string {
	s := fmt.Sprintf("journal is damaged: %s at byte %d (generation %d): %s", d.Name, d.Offset, d.Gen, d.Reason)
	if d.Found > 0 {
		s += fmt.Sprintf(", group %d expected, whole group %d behind it", d.Want, d.Found)
	}
	return s + "; journal.damage.accept=true starts with what is valid"
}
