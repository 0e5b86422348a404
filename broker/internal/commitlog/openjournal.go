package commitlog

import (
	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
)

func (s *Store) openJournal(d *directory, st journalState) (journal.Journal, error) { return openTestJournal(d, st) }

var openTestJournal func(d *directory, st journalState) (journal.Journal, error)
