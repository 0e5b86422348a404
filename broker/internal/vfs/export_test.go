package vfs

// Pending answers how many changes of names no SyncDir has made durable.
func (m *Mem) Pending() int {
	m.world.RLock()
	defer m.world.RUnlock()
	return len(m.pending)
}
