package replay

// Held returns how many states are in memory, and how many entries the index of
// their deadlines has.
func (s *Sharded) Held() (states, entries int) {
	for _, one := range s.shards {
		states += len(one.engine.memory.slots)
		entries += one.engine.memory.index.size
	}
	return states, entries
}
